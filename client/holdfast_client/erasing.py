"""Erasure: what the workers hold, and then the histories in Temporal, which hold previews of what was said."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import SessionRunning
from holdfast_workflows.contracts.memory import EraseInput, EraseResult

from . import listing
from .wire import Wire

_SECONDS = 300.0
_NAMED = 3


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes:
        memories: Memories.
        entries: Entries of logs.
        sessions: Sessions with anything left to erase.
        histories: Runs in Temporal whose history was deleted.
    """

    memories: int
    entries: int
    sessions: int
    histories: int


async def erase(wire: Wire, request: EraseInput, *, stop: bool) -> Erased:
    """Erase what is meant. Done again after a failure it erases the rest."""
    known = await _listed(wire, request)
    running = [session for session in sorted(known) if known[session]]
    if running and not stop:
        raise SessionRunning(_named(running))
    for session in running:
        await wire.terminate(session, "erased")
    memories = entries = histories = 0
    sessions = set(known)
    more = True
    while more:
        result = await wire.activity(names.ERASE, request, EraseResult, seconds=_SECONDS)
        memories, entries = memories + result.memories, entries + result.entries
        sessions |= set(result.sessions)
        more = result.more and bool(result.sessions)
    for session in sorted(sessions):
        histories += await wire.delete(session)
    return Erased(memories, entries, len(sessions), histories)


async def _listed(wire: Wire, request: EraseInput) -> dict[str, bool]:
    """The sessions that Temporal knows of, and whether each runs.

    A list is a moment behind; the state database knows the sessions that are missing there.
    """
    if request.kind == "session":
        running = await wire.runs(request.id)
        return {} if running is None else {request.id: running}
    user = request.id if request.kind == "user" else None
    found = listing.runs(wire, tenant=request.tenant, user=user)
    return {session: running async for session, running in found}


def _named(sessions: list[str]) -> str:
    more = f" and {len(sessions) - _NAMED:,} more" if len(sessions) > _NAMED else ""
    return ", ".join(sessions[:_NAMED]) + more
