"""The memory tools of agents: search, remember, forget."""

from datetime import UTC, datetime

from holdfast_activities import clock
from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.changes import Change, FactDraft
from holdfast_activities.memory.scopes import searched_scopes, stored_scope
from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.builtin_tools import Forget, Remember, SearchMemory
from holdfast_workflows.contracts.agent.memory import Memory, MemoryView
from holdfast_workflows.contracts.errors import EmbeddingFailed, MemoryFailed, MemoryUnavailable, ToolFailed
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import clean, preview

_AWAY = "memory cannot be reached at the moment; go on without it"


class MemoryTools:
    """The memory tools of one agent, limited to its scopes."""

    def __init__(self, memory: Memory | None, memories: Memories | None, applying: Applying) -> None:
        self._memory = memory or Memory()
        self._memories = memories
        self._applying = applying

    async def search(self, asked: SearchMemory, context: ToolContext) -> str:
        """Return matching memories, one per line, with the ids that ``forget`` accepts."""
        if self._memories is None:
            raise ToolFailed(_AWAY, retryable=False)
        try:
            found = await self._memories.search(
                asked.query,
                tenant=context.tenant,
                scopes=self._scopes(context),
                limit=self._memory.limit,
                floor=self._memory.floor,
            )
        except (MemoryFailed, EmbeddingFailed) as error:
            context.log.warning("%s", error)
            raise ToolFailed(_AWAY, retryable=False) from error
        return "\n".join(map(_line, found)) or "nothing is remembered about that"

    async def remember(self, asked: Remember, context: ToolContext) -> str:
        """Store a fact. Its trust is never ``user``, even if the model repeats what a user said."""
        now = clock.now()
        fact = FactDraft(
            id=context.key,
            scope=stored_scope(self._memory, **_of(context)),
            text=redact(clean(asked.text)),
            at=now,
            topic=clean(asked.topic),
            session=context.session,
            importance=asked.importance,
            trust="tool" if context._untrusted else "agent",  # noqa: SLF001 - for Holdfast's own tools only
        )
        change = Change(id=context.key, tenant=context.tenant, at=now, facts=(fact,))
        item = await self._applying.record(change, context.session)
        if item is None:
            return "not remembered: this conversation was erased"
        return "remembered" if item.applied else "noted; it can be recalled as soon as memory can be reached"

    async def forget(self, asked: Forget, context: ToolContext) -> str:
        """Forget a memory in the agent's scopes."""
        item = await self._applying.recorded(context.key)
        if item is None:
            if await self._is_missing(asked.id, context):
                return f"there is no memory with id {asked.id!r}"
            change = Change(
                id=context.key,
                tenant=context.tenant,
                at=clock.now(),
                forget=(asked.id,),
                within=self._scopes(context),
            )
            item = await self._applying.record(change, context.session)
        done = item is None or item.applied
        return "forgotten" if done else "it will be forgotten as soon as memory can be reached"

    async def _is_missing(self, id: str, context: ToolContext) -> bool:
        """Whether the memory certainly does not exist."""
        if self._memories is None:
            return False
        try:
            found = await self._memories.get(context.tenant, (id,))
        except MemoryUnavailable:
            return False  # it is looked up once memory is available
        return not any(view.scope in self._scopes(context) for view in found)

    def _scopes(self, context: ToolContext) -> tuple[str, ...]:
        return searched_scopes(self._memory, **_of(context))


def _of(context: ToolContext) -> dict[str, str]:
    root = context._root  # noqa: SLF001 - as above
    return {"session": context.session, "agent": context.agent, "user": context.user, "root": root}


def _line(memory: MemoryView) -> str:
    day = datetime.fromtimestamp(memory.at, UTC).date().isoformat() if memory.at else "undated"
    said = " ".join(memory.text.split())
    speaker = f", {preview(memory.speaker)}" if memory.speaker else ""
    return f"[{memory.id}] {day}{speaker}: {said}"
