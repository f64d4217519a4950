"""Conversations to remember and questions about them, made from ``retrieval.toml``: the same for the same number.

Two people talk in some twenty sessions over half a year. Most of what one of them tells, the
other tells, too, of other things; much of it happens to one of them several times; and all
of it is mentioned again in passing.
"""

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

_AGO = (
    "yesterday",
    "last Friday",
    "last weekend",
    "two days ago",
    "on Sunday",
    "last week",
    "three weeks ago",
    "last month",
)
_TIMES = 3  # how often an event of a kind that repeats happens to one person
_QUESTIONS = {"fact": 5, "speaker": 7, "when": 4, "several": 1, "dated": 2}  # of a conversation, at most


class Kind(BaseModel):
    """A kind of event; ``retrieval.toml`` says what its parts are."""

    slots: dict[str, list[str]]
    talks: list[str]
    later: list[str] = []
    single: list[tuple[str, str]] = []
    near: list[tuple[str, str]] = []
    when: list[tuple[str, str]] = []
    every: list[tuple[str, str]] = []
    dated: list[tuple[str, str]] = []


class Seeds(BaseModel):
    """All that conversations are made of."""

    names: list[tuple[str, str]]
    small_talk: list[str]
    kinds: list[Kind]


SEEDS = Seeds.model_validate(tomllib.loads(Path(__file__).with_name("retrieval.toml").read_text("utf-8")))


@dataclass(frozen=True)
class Said:
    """One turn of a conversation."""

    id: str
    session: str
    place: int
    speaker: str
    at: float
    text: str


@dataclass(frozen=True)
class Question:
    """A question, its kind, the ids of the turns that answer it, and whether it is put in much the same words."""

    text: str
    kind: str
    evidence: tuple[str, ...]
    near: bool = False


@dataclass
class Conversation:
    """What two people said over months, and what is asked about it at ``now``."""

    name: str
    turns: list[Said] = field(default_factory=list[Said])
    questions: list[Question] = field(default_factory=list[Question])
    now: float = 0.0


@dataclass
class _Event:
    kind: Kind
    who: int
    slots: dict[str, str]
    talk: str
    session: int
    evidence: dict[str, str] = field(default_factory=dict[str, str])
    month: str = ""


def conversations(seed: int = 5) -> list[Conversation]:
    """Twenty conversations."""
    return [_converse(random.Random(f"{seed}/{number}"), number) for number in range(len(SEEDS.names))]


def _converse(dice: random.Random, number: int) -> Conversation:
    made = Conversation(f"c{number:02}")
    sessions = dice.randrange(18, 23)
    events = _events(dice, sessions)
    start = datetime(2022, 1, 3, 9, tzinfo=UTC) + timedelta(days=dice.randrange(500))
    for session in range(sessions):
        start += timedelta(days=dice.randrange(6, 13))
        at = start + timedelta(minutes=dice.randrange(600))
        for event in events:
            if event.session == session:
                event.month = f"in {at:%B %Y}"
        _talk(
            dice,
            made,
            SEEDS.names[number],
            [event for event in events if event.session <= session],
            session,
            at,
        )
    made.now = (start + timedelta(days=20)).timestamp()
    made.questions = _ask(dice, SEEDS.names[number], events)
    return made


def _events(dice: random.Random, sessions: int) -> list[_Event]:
    once = dice.sample([kind for kind in SEEDS.kinds if not kind.every], 9)
    often = dice.sample([kind for kind in SEEDS.kinds if kind.every], 4)
    events: list[_Event] = []
    for who in (0, 1):
        events += [
            _Event(kind, who, {}, dice.choice(kind.talks), dice.randrange(sessions))
            for kind in dice.sample(once, 7)
        ]
        for kind in dice.sample(often, 3):
            third = sessions // _TIMES
            for part in range(_TIMES):
                # Months apart, so that a month names one of them.
                session = part * third + dice.randrange(max(1, third - 3))
                events.append(_Event(kind, who, {}, dice.choice(kind.talks), session))
    for kind in (*once, *often):
        same = [event for event in events if event.kind is kind]
        for slot, values in kind.slots.items():
            drawn = dice.sample(values, len(values))
            for place, event in enumerate(same):
                event.slots[slot] = drawn[place % len(drawn)]
    dice.shuffle(events)
    return events


def _talk(
    dice: random.Random,
    made: Conversation,
    names: tuple[str, str],
    events: list[_Event],
    session: int,
    at: datetime,
) -> None:
    """One session: what is new, what is mentioned in passing, and small talk between."""
    parts: list[tuple[str, _Event | None, int]] = []
    for event in events:
        if event.session == session:
            parts.append((event.talk, event, event.who))
        elif event.kind.later and dice.random() < 0.09:
            parts.append((_filled(dice.choice(event.kind.later), event, dice), None, event.who))
    dice.shuffle(parts)
    parts.insert(0, (dice.choice(SEEDS.small_talk), None, dice.randrange(2)))
    if dice.random() < 0.5:
        parts.append((dice.choice(SEEDS.small_talk), None, dice.randrange(2)))
    place = 0
    for talk, told, who in parts:
        for line in talk.split("\n"):
            side, key, text = _parsed(line)
            said = Said(
                f"{made.name}:{session:02}:{place:03}",
                f"{made.name}-{session:02}",
                place,
                names[who if side == ">" else 1 - who],
                (at + timedelta(minutes=place)).timestamp(),
                _addressed(
                    _filled(text, told, dice) if told else text,
                    names[1 - who if side == ">" else who],
                    dice,
                ),
            )
            if told and key:
                told.evidence[key] = said.id
            made.turns.append(said)
            place += 1


def _addressed(text: str, other: str, dice: random.Random) -> str:
    """People say each other's names, which is no sign that they talk of each other."""
    chance = dice.random()
    return f"Hey {other}! {text}" if chance < 0.05 else f"{text} Right, {other}?" if chance < 0.1 else text


def _parsed(line: str) -> tuple[str, str, str]:
    match = re.match(r"([<>]) (?:(\w+): )?(.*)", line)
    assert match, line
    key = match[2] or ""
    return (match[1], key, match[3]) if key.islower() else (match[1], "", line[2:])


def _filled(text: str, event: _Event, dice: random.Random) -> str:
    filled = text.replace("{ago}", dice.choice(_AGO))
    for slot, value in event.slots.items():
        filled = filled.replace("{" + slot + "}", value)
    return "\n".join(
        f"{line[:2]}{line[2:3].upper()}{line[3:]}" if line[:1] in "<>" else line[:1].upper() + line[1:]
        for line in filled.split("\n")
    )


def _ask(dice: random.Random, names: tuple[str, str], events: list[_Event]) -> list[Question]:
    made = list(dict.fromkeys(_all_questions(names, events)))
    # People ask in the words that were used more often than in others.
    made.sort(key=lambda question: dice.random() / (3 if question.near else 1))
    left = dict(_QUESTIONS)
    asked: list[Question] = []
    for question in made:
        if left[question.kind]:
            left[question.kind] -= 1
            asked.append(question)
    return asked


def _all_questions(names: tuple[str, str], events: list[_Event]) -> Iterator[Question]:
    for event in events:
        kind = event.kind
        same = [other for other in events if other.kind is kind and other.who == event.who]
        rivals = any(other.kind is kind and other.who != event.who for other in events)

        def put(text: str, event: _Event = event) -> str:
            for slot, value in event.slots.items():
                text = text.replace("{" + slot + "}", value.removeprefix("my "))
            return (
                text.replace("{X}", names[event.who])
                .replace("{Y}", names[1 - event.who])
                .replace("{month}", event.month)
            )

        for key, text in (*kind.single, *kind.near):
            about = "when" if text.startswith(("When", "Since when")) else "speaker" if rivals else "fact"
            yield Question(put(text), about, (event.evidence[key],), near=(key, text) in kind.near)
        for key, text in kind.when:
            yield Question(put(text), "when", (event.evidence[key],))
        for key, text in kind.every:
            yield Question(put(text), "several", tuple(sorted(other.evidence[key] for other in same)))
        for key, text in kind.dated:
            yield Question(put(text), "dated", (event.evidence[key],))
