"""Which entries of a log a summary covers, and how they read to who sums them up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast_activities.context.rendering import fenced
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
"""Characters of each tool result that are shown: the most with which all of it fits."""

_ARGUMENTS = 300  # characters of a call's arguments
_WEIGHED = 40_000
"""Characters of one text that count: a prompt shows long ones by head and tail."""

_LONGEST_TASK = 4_000
_EXTRACT = re.compile(r"\[(\d{1,18})\] ([^:\n]{1,90}): (.*)")


@dataclass(frozen=True, slots=True)
class SummaryRange:
    """What a summary is to cover: the summary before, and the entries from its end up to ``stop``.

    ``tokens`` is what it takes, estimated; ``task`` the message that is being worked on.
    """

    before: SummaryEntry | None
    entries: Sequence[Entry]
    stop: int
    tokens: int
    task: str

    def said(self) -> list[Utterance]:
        """Every text with who said it; the summary before comes first."""
        found = [] if self.before is None else _summed(self.before)
        return found + [Utterance(entry.seq, _speaker(entry), _text(entry)) for entry in self.entries]

    def transcript(self, room: int) -> str:
        """All of it as a model reads it, within so many bytes: tool results are shortened first."""
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
    """What is to be covered: all below ``request.upto`` but the newest, which take ``keep`` tokens.

    A reply stays with its results. None if there is nothing.
    """
    start = before.stop if before else 1
    found = [entry async for entry in entries(log, request.session, start, request.upto)]
    found = [entry for entry in found if not isinstance(entry, SummaryEntry)]
    task = next(
        (entry.text for entry in reversed(found) if isinstance(entry, UserEntry) and entry.role == "message"),
        "",
    )
    place = _boundary(found, keep)
    if not place:
        return None
    covered = found[:place]
    stop = found[place].seq if place < len(found) else request.upto
    tokens = sum(map(_tokens, covered)) + (wire.estimate(_data(before.text)) if before else 0)
    return SummaryRange(before, covered, stop, tokens, task[:_LONGEST_TASK])


def _summed(before: SummaryEntry) -> list[Utterance]:
    """A summary as texts: an extract's lines are what they were extracted from."""
    found: list[Utterance] = []
    for line in before.text.splitlines():
        whence = _EXTRACT.fullmatch(line)
        found.append(
            Utterance(before.seq, "summary", line)
            if whence is None
            else Utterance(int(whence[1]), whence[2], whence[3])
        )
    return found


def _boundary(found: Sequence[Entry], keep: int) -> int:
    """How many of the entries are covered: groups of a reply with its results are left whole from the end on."""
    place = len(found)
    while place > 0:
        start = place - 1
        while start > 0 and isinstance(found[start], ResultEntry):
            start -= 1
        keep -= sum(map(_tokens, found[start:place]))
        # The newest group is what is being worked on, however long it is.
        if keep < 0 and place < len(found):
            return place
        place = start
    return 0


def _tokens(entry: Entry) -> int:
    calls = entry.calls if isinstance(entry, ReplyEntry) else ()
    return wire.estimate(_data(entry.text)) + sum(wire.estimate(_data(call.arguments)) for call in calls)


def _data(text: str) -> bytes:
    return text[:_WEIGHED].encode("utf-8", "surrogatepass")


def _speaker(entry: Entry) -> str:
    match entry:
        case ReplyEntry():
            return "assistant"
        case ResultEntry():
            return f"result of {preview(entry.name, 64)}"
        case MemoryEntry():
            return "recalled"
        case _:
            return "user"


def _text(entry: Entry) -> str:
    if isinstance(entry, ReplyEntry) and entry.calls:
        asked = "; ".join(
            f"called {preview(call.name, 64)} {preview(call.arguments, _ARGUMENTS)}." for call in entry.calls
        )
        return clean(f"{entry.text}\n{asked}" if entry.text else asked)
    return clean(entry.text[:_WEIGHED])


def _line(entry: Entry, limit: int) -> str:
    text = _text(entry)
    if isinstance(entry, ResultEntry):
        text = _middle_out(text, limit)
    # A line of a text cannot pass for another entry, whatever ends it.
    lines = "\n  ".join(text.splitlines())
    return f"[{entry.seq}] {_speaker(entry)}: {lines}"


def _middle_out(text: str, chars: int) -> str:
    """The head and tail of a text that is too long."""
    if len(text) <= chars:
        return text
    head, tail = chars * 3 // 4, chars - chars * 3 // 4
    return f"{text[:head]} [… {len(text) - chars:,} characters …] {text[len(text) - tail :]}"
