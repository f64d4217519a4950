"""Select the entries that a summary covers, and render them as text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast_activities.context.prompt.rendering import fenced
from holdfast_activities.models import wire
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.agent.memory import CompactInput
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    UserEntry,
)
from holdfast_workflows.contracts.text.unicode import clean, preview, size

from .extractive import Utterance

_RESULTS = (2_000, 600, 200, 80)
"""Maximum characters of each tool result; the first with which everything fits is used."""

_ARGUMENTS = 300  # characters of a call's arguments
_NAME = 64  # characters of a tool's name
_COUNTED = 40_000  # maximum characters that count of one text, because a prompt truncates long ones

_LONGEST_TASK = 4_000
_EXTRACT = re.compile(r"\[(\d{1,18})\] ([^:\n]{1,90}): (.*)")


@dataclass(frozen=True, slots=True)
class SummaryRange:
    """The previous summary and the entries after it, up to ``stop``.

    ``tokens`` is their estimated size; ``task`` is the latest message.
    """

    before: SummaryEntry | None
    entries: Sequence[Entry]
    stop: int
    tokens: int
    task: str

    def utterances(self) -> list[Utterance]:
        """Return every text with its speaker. The lines of a previous extract have their original number and speaker."""
        found: list[Utterance] = []
        if before := self.before:
            for line in before.text.splitlines():
                match = _EXTRACT.fullmatch(line)
                seq, speaker, text = (
                    (int(match[1]), match[2], match[3]) if match else (before.seq, "summary", line)
                )
                found.append(Utterance(seq, speaker, text))
        return found + [Utterance(entry.seq, _speaker(entry), _text(entry)) for entry in self.entries]

    def transcript(self, room: int) -> str:
        """Return everything as one text for a model, in at most ``room`` bytes. Tool results are cut first."""
        text = ""
        for limit in _RESULTS:
            text = "\n".join(_line(entry, limit) for entry in self.entries)
            if size(text) <= room:
                break
        text = _middle_out(text, len(text) * room // max(1, size(text)))
        parts = [fenced("entries", "What came after it, with the number of each entry:", text)]
        if self.before is not None:
            parts.insert(0, fenced("summary", "The summary so far:", self.before.text))
        return "\n\n".join(parts)


async def read(
    log: Log, request: CompactInput, before: SummaryEntry | None, *, keep: int
) -> SummaryRange | None:
    """Return the entries below ``request.upto`` except the newest ``keep`` tokens; None without such entries.

    A reply stays with its results.
    """
    start = before.stop if before else 1
    found = [entry async for entry in entries(log, request.session, start, request.upto)]
    found = [entry for entry in found if not isinstance(entry, SummaryEntry)]
    messages = [entry.text for entry in found if isinstance(entry, UserEntry) and entry.role == "message"]
    place = _boundary(found, keep)
    if not place:
        return None
    stop = found[place].seq if place < len(found) else request.upto
    tokens = sum(map(_tokens, found[:place])) + (_estimate(before.text) if before else 0)
    return SummaryRange(before, found[:place], stop, tokens, messages[-1][:_LONGEST_TASK] if messages else "")


def _boundary(found: Sequence[Entry], keep: int) -> int:
    """Return how many entries are covered; a reply with its results is one group."""
    place = len(found)
    while place > 0:
        start = place - 1
        while start > 0 and isinstance(found[start], ResultEntry):
            start -= 1
        keep -= sum(map(_tokens, found[start:place]))
        # The newest group is in use, however long it is.
        if keep < 0 and place < len(found):
            return place
        place = start
    return 0


def _tokens(entry: Entry) -> int:
    calls = entry.calls if isinstance(entry, ReplyEntry) else ()
    return _estimate(entry.text) + sum(_estimate(call.arguments) for call in calls)


def _estimate(text: str) -> int:
    return wire.estimate(text[:_COUNTED].encode("utf-8", "surrogatepass"))


def _speaker(entry: Entry) -> str:
    match entry:
        case ReplyEntry():
            return "assistant"
        case ResultEntry():
            return f"result of {preview(entry.name, _NAME)}"
        case MemoryEntry():
            return "recalled"
        case _:
            return "user"


def _text(entry: Entry) -> str:
    if isinstance(entry, ReplyEntry) and entry.calls:
        calls = "; ".join(
            f"called {preview(call.name, _NAME)} {preview(call.arguments, _ARGUMENTS)}."
            for call in entry.calls
        )
        return clean(f"{entry.text}\n{calls}" if entry.text else calls)
    return clean(entry.text[:_COUNTED])


def _line(entry: Entry, limit: int) -> str:
    text = _text(entry)
    if isinstance(entry, ResultEntry):
        text = _middle_out(text, limit)
    # Continuation lines are indented, so that none passes for another entry.
    lines = "\n  ".join(text.splitlines())
    return f"[{entry.seq}] {_speaker(entry)}: {lines}"


def _middle_out(text: str, chars: int) -> str:
    """Return the head and tail of a text that is too long."""
    if len(text) <= chars:
        return text
    head, tail = chars * 3 // 4, chars - chars * 3 // 4
    return f"{text[:head]} [… {len(text) - chars:,} characters …] {text[len(text) - tail :]}"
