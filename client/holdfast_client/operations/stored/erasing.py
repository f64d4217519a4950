"""Erasure of the workers' data and of the histories in Temporal, which contain previews."""

from dataclasses import dataclass

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import EraseInput, EraseResult
from holdfast_workflows.contracts.control.access import tenant_for
from holdfast_workflows.contracts.errors import SessionRunning
from holdfast_workflows.contracts.public import public

from .. import listing

_SECONDS = 300.0
_NAMED = 3


@public
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


async def erase(requests: Requests, request: EraseInput, *, stop: bool) -> Erased:
    """Erase the requested data. A repeat after a failure erases the rest."""
    if requests.grants is not None:
        request = request.model_copy(
            update={"tenant": tenant_for(await requests.principal(), request.tenant)}
        )
    # Before sessions are terminated, which the server does without asking a worker.
    await requests.activity(names.ERASE, request.model_copy(update={"check": True}), EraseResult)
    sessions = await _listed(requests, request)
    await _ended(requests, sessions, request.tenant, stop=stop)
    memories = entries = histories = 0
    more = True
    while more:
        result = await requests.activity(names.ERASE, request, EraseResult, seconds=_SECONDS)
        memories, entries = memories + result.memories, entries + result.entries
        late = await _ended(requests, set(result.sessions) - sessions, request.tenant, stop=stop)
        more = late or (result.more and bool(result.sessions))
        sessions |= set(result.sessions)
    for session in sorted(sessions):
        histories += await requests.delete(session)
    return Erased(memories, entries, len(sessions), histories)


async def _ended(requests: Requests, sessions: set[str], tenant: str, *, stop: bool) -> bool:
    """Ensure that no session is running; with ``stop``, terminate those and return True if there were any."""
    running = [session for session in sorted(sessions) if await requests.runs(session, tenant=tenant)]
    if running and not stop:
        more = f" and {len(running) - _NAMED:,} more" if len(running) > _NAMED else ""
        raise SessionRunning(", ".join(running[:_NAMED]) + more)
    for session in running:
        await requests.terminate(session, "erased")
    return bool(running)


async def _listed(requests: Requests, request: EraseInput) -> set[str]:
    """Return the sessions in Temporal's list; the state database has those that are too new for it."""
    if request.kind == "session":
        return {request.id}
    user = request.id if request.kind == "user" else None
    return {session async for session in listing.ids(requests, tenant=request.tenant, user=user)}
