"""The place in a session's log at which a fork begins, and the state of the turn there."""

from collections import Counter
from dataclasses import dataclass, field

from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.evaluation.steps import Place, Steps
from holdfast_workflows.contracts.names import TRUSTED_TOOLS
from holdfast_workflows.contracts.session.entries import ResultEntry, SummaryEntry


@dataclass
class Position:
    """The state with which the step at a place begins."""

    place: Place
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
    """Find a step, and what the session had called, read and summarized before it.

    Raises:
        NothingToDo: There is no such step.
    """
    steps = Steps()
    async for entry in entries(log, session, 0):
        steps.add(entry)
    found = Position(steps.find(session, turn, step))
    async for entry in entries(log, session, 0, found.place.seq):
        if isinstance(entry, SummaryEntry):
            found.summary = entry.seq
        elif isinstance(entry, ResultEntry) and entry.status in {"ok", "failed"}:
            found.read.append(entry.name)
            found.called[entry.name] += 1
            if entry.turn == found.place.turn:
                found.called_in_turn[entry.name] += 1
    return found
