"""The place in a session's log at which a fork begins, and the state of the turn there."""

from collections import Counter
from dataclasses import dataclass, field

from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.names import TRUSTED_TOOLS
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    UserEntry,
)
from holdfast_workflows.contracts.text.unicode import preview


@dataclass
class _Turn:
    start: int
    request: str = ""
    replies: dict[int, int] = field(default_factory=dict[int, int])
    """Numbers of its replies, by step."""
    last: int = 0


@dataclass
class Position:
    """The state before the entry ``seq``, with which a step of ``turn`` begins."""

    turn: int
    seq: int
    start: int
    request: str
    summary: int = 0
    read: list[str] = field(default_factory=list[str])
    """Tools whose results were read, in order."""
    called: Counter[str] = field(default_factory=Counter[str])
    called_in_turn: Counter[str] = field(default_factory=Counter[str])

    def untrusted(self, trusted: frozenset[str]) -> str:
        """The first source of untrusted content; empty without one."""
        first = next((name for name in self.read if name not in trusted | TRUSTED_TOOLS), "")
        return f"the result of {first} in another session" if first else ""


async def find(log: Log, session: str, turn: int | None, step: int) -> Position:
    """Find a step: of the turn, or of the last turn that has it. A turn that has failed may also take its next step.

    Raises:
        NothingToDo: There is no such step.
    """
    turns: dict[int, _Turn] = {}
    async for entry in entries(log, session, 0):
        if not isinstance(entry, SummaryEntry):
            _note(turns.setdefault(entry.turn, _Turn(entry.seq)), entry)
    for number in [turn] if turn is not None else sorted(turns, reverse=True):
        found = turns.get(number)
        if found is None or not found.request:
            continue
        seq = found.replies.get(step)
        if seq is None and step == len(found.replies) + 1:
            seq = found.last + 1
        if seq is not None:
            return await _state(log, session, Position(number, seq, found.start, found.request))
    where = f"turn {turn}" if turn is not None else "no turn"
    taken = ", ".join(f"turn {number}: {len(each.replies)}" for number, each in sorted(turns.items()))
    has = "has no" if turn is not None else "has a"
    raise NothingToDo(f"{session}: {where} {has} step {step}; steps taken are {taken or 'none'}")


def _note(turn: _Turn, entry: Entry) -> None:
    turn.last = max(turn.last, entry.seq)
    if isinstance(entry, UserEntry) and entry.role == "message":
        turn.request = preview(entry.text) or " "
    elif isinstance(entry, ReplyEntry):
        turn.replies[entry.step] = entry.seq


async def _state(log: Log, session: str, found: Position) -> Position:
    """Add what the session had called, read and summarized before the position."""
    async for entry in entries(log, session, 0, found.seq):
        if isinstance(entry, SummaryEntry):
            found.summary = entry.seq
        elif isinstance(entry, ResultEntry) and entry.status in {"ok", "failed"}:
            found.read.append(entry.name)
            found.called[entry.name] += 1
            found.called_in_turn[entry.name] += entry.turn == found.turn
    found.called_in_turn = +found.called_in_turn
    return found
