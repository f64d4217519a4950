"""``erase``: all that is held of a session, a user or a tenant, with what was derived from it.

Each session is marked first, so that nothing more of it is kept; then its memories go, then its
content. An erasure that is broken off, as where the memory store is away, is taken up again by
the next attempt where it was left. Memories are erased twice, since a write that was given up may land
after the first time.
"""

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversations
from holdfast_activities.memory.keeping import Keeping
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput, HoldfastError, MemoryUnavailable, to_failure
from holdfast_workflows.contracts.memory import EraseInput, EraseResult, scope_of

_MOST = 1_000
"""Sessions that are erased by one activity."""


class Erase:
    """The activity that erases."""

    def __init__(self, state: State, conversations: Conversations, keeping: Keeping | None) -> None:
        self._state = state
        self._conversations = conversations
        self._keeping = keeping
        self._applying = Applying(state.outbox, keeping)

    @activity.defn(name=names.ERASE)
    async def erase(self, request: EraseInput) -> EraseResult:
        """Erase, and say how much that was."""
        try:
            return await self._erase(request)
        except HoldfastError as error:
            raise to_failure(error) from error

    async def _erase(self, request: EraseInput) -> EraseResult:
        if self._keeping is None:
            raise MemoryUnavailable("this worker has no memory store")
        if request.kind != "tenant" and not request.id:
            raise BadInput(f"name the {request.kind} that is to be erased")
        sessions = await self._sessions(request)
        memories = entries = 0
        for session in sessions:
            gone = await self._session(self._keeping, request.tenant, session)
            memories, entries = memories + gone[0], entries + gone[1]
        more = len(sessions) == _MOST
        if not more and request.kind != "session":
            memories += await self._rest(self._keeping, request)
        await self._state.erasing.scrub()
        activity.logger.info(
            "%s %s of tenant %r erased, as %s asked: %d sessions, %d entries, %d memories",
            request.kind, request.id, request.tenant, request.by or "somebody", len(sessions), entries, memories,
        )  # fmt: skip
        return EraseResult(memories=memories, entries=entries, sessions=tuple(sessions), more=more)

    async def _sessions(self, request: EraseInput) -> list[str]:
        erasing = self._state.erasing
        if request.kind == "tenant":
            return await erasing.sessions(tenant=request.tenant, limit=_MOST)
        if request.kind == "user":
            return await erasing.sessions(user=request.id, tenant=request.tenant, limit=_MOST)
        row = await self._state.load_session(request.id)
        if row is not None and row.tenant != request.tenant:
            raise BadInput(f"session {request.id} is not of tenant {request.tenant!r}")
        return [request.id]

    async def _session(self, keeping: Keeping, tenant: str, session: str) -> tuple[int, int]:
        """Erase one session; how many memories and log entries it had."""
        erasing, now = self._state.erasing, clock.now()
        await erasing.begin(session, now)
        self._conversations.forget(session)
        memories = await keeping.erase(tenant, session=session)
        # Before the session is done with: an attempt that breaks off here is made again.
        await self._applying.erase_again(tenant, session=session)
        return memories, await erasing.session(session, now)

    async def _rest(self, keeping: Keeping, request: EraseInput) -> int:
        """What a user or a tenant has beyond sessions; how many memories that were."""
        scope = ""
        if request.kind == "user":
            scope = scope_of("user", user=request.id)
        else:
            await self._state.outbox.erase(tenant=request.tenant)
            await self._state.erasing.tenant(request.tenant)
        memories = await keeping.erase(request.tenant, scope=scope)
        await self._applying.erase_again(request.tenant, scope=scope)
        return memories
