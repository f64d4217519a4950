"""``erase``: erase a session, a user or a tenant, with derived data.

Each session is marked first, so that nothing more of it is stored; then its memories are erased, then its content.
A retry continues an interrupted erasure. Memories are erased twice, because an abandoned write may still complete
after the first time.
"""

from dataclasses import dataclass

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversations
from holdfast_activities.identity.acting import actor
from holdfast_activities.memory.memories import Memories, required
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import EraseInput, EraseResult, scope_of
from holdfast_workflows.contracts.errors import BadInput

from ..common.audited import operated
from ..common.failures import reports_failures

_MOST = 1_000  # sessions erased by one activity


@dataclass(frozen=True, slots=True)
class Erase:
    """The erasure activity."""

    state: State
    conversations: Conversations
    memories: Memories | None
    applying: Applying

    @activity.defn(name=names.ERASE)
    @reports_failures
    async def erase(self, request: EraseInput) -> EraseResult:
        """Erase and count what was erased.

        Raises:
            UnderHold: A hold protects some of it; nothing is erased.
        """
        if request.kind != "tenant" and not request.id:
            raise BadInput(f"id is empty. Give the {request.kind} to erase")
        await self.state.retention.holds.expect_none(
            tenant=request.tenant,
            user=request.id if request.kind == "user" else "",
            session=request.id if request.kind == "session" else "",
        )
        if request.check:
            return EraseResult()
        memories = required(self.memories)
        sessions = await self._sessions(request)
        await self._record("erasing", request)
        erased = entries = 0
        for session in sessions:
            of_session = await self._session(memories, request.tenant, session)
            erased, entries = erased + of_session[0], entries + of_session[1]
        more = len(sessions) == _MOST
        if not more and request.kind != "session":
            erased += await self._rest(memories, request)
        await self.state.erasing.scrub()
        counts = {"sessions": len(sessions), "entries": entries, "memories": erased}
        await self._record("continued" if more else "erased", request, **counts)
        activity.logger.info(
            "%s %s of tenant %r erased, as %s asked: %d sessions, %d entries, %d memories",
            request.kind,
            request.id,
            request.tenant,
            request.by or "an operator",
            len(sessions),
            entries,
            erased,
        )
        return EraseResult(memories=erased, entries=entries, sessions=tuple(sessions), more=more)

    async def _record(self, action: str, request: EraseInput, **counts: int) -> None:
        """Record the erasure; the records of what is erased stay, and have no content."""
        own = actor()
        record = operated(
            action,
            kind="erasure",
            tenant=request.tenant,
            session=request.id if request.kind == "session" else "",
            subject=f"{request.kind} {request.id}".strip(),
            details={
                **{name: str(count) for name, count in counts.items()},
                "by": request.by if request.by != own else "",
            },
        )
        await self.state.append_audit(record)

    async def _sessions(self, request: EraseInput) -> list[str]:
        erasing = self.state.erasing
        if request.kind == "tenant":
            return await erasing.sessions(tenant=request.tenant, limit=_MOST)
        if request.kind == "user":
            return await erasing.sessions(user=request.id, tenant=request.tenant, limit=_MOST)
        row = await self.state.load_session(request.id)
        if row is not None and row.tenant != request.tenant:
            raise BadInput(f"session {request.id} does not belong to tenant {request.tenant!r}")
        return [request.id]

    async def _session(self, memories: Memories, tenant: str, session: str) -> tuple[int, int]:
        """Return how many memories and log entries it had."""
        erasing, now = self.state.erasing, clock.now()
        await erasing.begin(session, now)
        self.conversations.forget(session)
        erased = await memories.erase(tenant, session=session)
        # Before the session's content, so that an interrupted attempt is repeated.
        await self.applying.erase_again(tenant, session=session)
        return erased, await erasing.session(session, now)

    async def _rest(self, memories: Memories, request: EraseInput) -> int:
        """Erase data of a user or a tenant outside sessions; return how many memories."""
        scope = ""
        if request.kind == "user":
            scope = scope_of("user", user=request.id)
            await self.state.erasing.user(request.id, request.tenant)
        else:
            await self.state.outbox.erase(tenant=request.tenant)
            await self.state.erasing.tenant(request.tenant)
        erased = await memories.erase(request.tenant, scope=scope)
        await self.applying.erase_again(request.tenant, scope=scope)
        return erased
