"""Make dialogues from scenes: the same for the same seed.

Unlike ``retrieval_data``, each scene is written out: people answer each other in several sentences, name times
relatively, and are asked about in words that they did not use. A dialogue tells all scenes of its half over about
nine months, in another order, by other people, and mentions many of them again, which answers nothing.
"""

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel

from ..retrieval_data import Conversation, Question, Said

Half: TypeAlias = Literal["tuning", "held_out"]
HALVES: tuple[Half, ...] = get_args(Half)

_FOLDER = Path(__file__).parent
_DIALOGUES = 6  # in each half
_PARAPHRASED = 2  # questions about a scene in other words; people mostly ask in the same
_DATED = 8  # questions of a dialogue that name a month instead of nothing
_NAMES = {
    "tuning": ["Anna Boris", "Chloe Dean", "Ella Frank", "Gwen Hal", "Iris Jack", "Kate Leo"],
    "held_out": ["Mona Ned", "Opal Pete", "Quinn Ruth", "Sara Tom", "Uma Vince", "Wanda Yuri"],
}


class Scene(BaseModel):
    """See ``held_out.toml``."""

    talk: str
    mentions: tuple[str, str]
    near: list[tuple[str, str]]
    ask: list[tuple[str, str, str]]
    tags: dict[str, str] = {}
    slots: dict[str, list[str]] = {}


class Joined(BaseModel):
    """A question about the lines with a tag."""

    text: str
    tag: str


class Scenes(BaseModel):
    """One half."""

    scenes: list[Scene]
    joined: list[Joined]


class SmallTalk(BaseModel):
    """See ``small_talk.toml``."""

    again: list[str]
    greetings: list[str]
    farewells: list[str]
    between: list[str]


@dataclass
class _Told:
    """A scene of a dialogue; ``who`` is the place of the one it is about."""

    scene: Scene
    who: int
    session: int
    values: dict[str, str]
    lines: dict[str, str] = field(default_factory=dict[str, str])
    month: str = ""


def dialogues(half: Half, seed: int = 7) -> list[Conversation]:
    """Return the dialogues of a half."""
    scenes = Scenes.model_validate(_read(half))
    chatter = SmallTalk.model_validate(_read("small_talk"))
    return [
        _Dialogue(f"{half}{number}", names.split(), random.Random(f"{seed}/{half}/{number}")).make(
            scenes, chatter
        )
        for number, names in enumerate(_NAMES[half])
    ]


def _read(name: str) -> dict[str, object]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))


class _Dialogue:
    def __init__(self, name: str, names: list[str], dice: random.Random) -> None:
        self._made = Conversation(name)
        self._names = names
        self._dice = dice

    def make(self, scenes: Scenes, chatter: SmallTalk) -> Conversation:
        dice = self._dice
        order = dice.sample(scenes.scenes, len(scenes.scenes))
        told = [
            _Told(scene, dice.randrange(2), place // 2, {k: dice.choice(v) for k, v in scene.slots.items()})
            for place, scene in enumerate(order)
        ]
        at = datetime(2023, 1, 9, 18, tzinfo=UTC) + timedelta(days=dice.randrange(300))
        for session in range(told[-1].session + 4):
            self._session(session, at, told, chatter)
            at += timedelta(days=dice.randrange(5, 34), minutes=dice.randrange(240))
        self._made.now = at.timestamp()
        self._made.questions = list(self._questions(told, scenes.joined))
        return self._made

    def _session(self, session: int, at: datetime, told: list[_Told], chatter: SmallTalk) -> None:
        dice = self._dice
        before = [one for one in told if one.session < session]
        parts: list[tuple[str, int, _Told | None]] = []
        for one in told:
            if one.session == session:
                one.month = f"{at:%B %Y}"
                parts.append((one.scene.talk, one.who, one))
        for one in dice.sample(before, min(len(before), 5)):
            text = dice.choice(chatter.again).replace("{M}", dice.choice(one.scene.mentions))
            other = dice.choice([each for each in before if each.who == one.who])
            parts.append((text.replace("{N}", other.scene.mentions[0]), one.who, None))
        parts += [(text, dice.randrange(2), None) for text in dice.sample(chatter.between, 2)]
        dice.shuffle(parts)
        parts.insert(0, (dice.choice(chatter.greetings), dice.randrange(2), None))
        parts.append((dice.choice(chatter.farewells), dice.randrange(2), None))
        place = 0
        for talk, who, scene in parts:
            for line in talk.strip().split("\n"):
                self._say(line, who, scene, session, place, at)
                place += 1

    def _say(self, line: str, who: int, told: _Told | None, session: int, place: int, at: datetime) -> None:
        match = re.fullmatch(r"([<>]) (?:([a-z]+): )?(.*)", line)
        assert match, line
        text = self._named(match[3], who, told.values if told else {})
        id = f"{self._made.name}:{session:02}:{place:03}"
        speaker = self._names[who if match[1] == ">" else 1 - who]
        said_at = (at + timedelta(minutes=place)).timestamp()
        self._made.turns.append(Said(id, f"{self._made.name}-{session:02}", place, speaker, said_at, text))
        if told and match[2]:
            told.lines[match[2]] = id

    def _named(self, text: str, who: int, values: dict[str, str]) -> str:
        for slot, value in {"X": self._names[who], "Y": self._names[1 - who], **values}.items():
            text = text.replace("{" + slot + "}", value)
        return text

    def _questions(self, told: list[_Told], joined: list[Joined]) -> Iterator[Question]:
        singles: list[tuple[_Told, str, str]] = []
        for one in told:
            for key, text in one.scene.near:
                kind = "when" if text.startswith("When ") else "single"
                yield Question(self._named(text, one.who, one.values), kind, (one.lines[key],), near=True)
            for kind, keys, text in self._dice.sample(one.scene.ask, _PARAPHRASED):
                evidence = tuple(sorted(one.lines[key] for key in keys.split()))
                yield Question(self._named(text, one.who, one.values), kind, evidence)
                if kind == "single":
                    singles.append((one, keys, text))
        for one, key, text in self._dice.sample(singles, _DATED):
            asked = f"{text.removesuffix('?')}, as told in {one.month}?"
            yield Question(self._named(asked, one.who, one.values), "dated", (one.lines[key],))
        for question in joined:
            for who in (0, 1):
                lines = [
                    one.lines[one.scene.tags[question.tag]]
                    for one in told
                    if one.who == who and question.tag in one.scene.tags
                ]
                if lines:
                    yield Question(self._named(question.text, who, {}), "joined", tuple(sorted(lines)))
