"""Standalone activities to view and change memories, and to read prompt manifests."""

from dataclasses import dataclass

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.memory.memories import Memories, required
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.changes import Change, FactDraft
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import (
    AddMemory,
    ForgetMemories,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MigrateInput,
    MigrateResult,
)
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.limits import MAX_INSTRUCTIONS
from holdfast_workflows.contracts.session.manifests import Manifest, Manifests, ReadManifests
from holdfast_workflows.contracts.text.unicode import clean

from ..common.audited import operated
from ..common.failures import reports_failures
from ..common.instructions import known_instructions
from .payload import fitting


@dataclass(frozen=True, slots=True)
class MemoryAdmin:
    """The memory activities. They fail at once if the store is down."""

    state: State
    memories: Memories | None
    applying: Applying

    @activity.defn(name=names.READ_MANIFESTS)
    @reports_failures
    async def read_manifests(self, ask: ReadManifests) -> Manifests:
        """Read the manifests of a session's prompts."""
        found = await self.state.manifests.list(
            ask.session, seq=ask.seq, after=ask.after, limit=ask.limit + 1
        )
        if ask.seq:
            found = [await self._with_instructions(manifest) for manifest in found]
        page = fitting(found[: ask.limit])
        return Manifests(manifests=page, more=len(page) < len(found))

    async def _with_instructions(self, manifest: Manifest) -> Manifest:
        """The manifest with the text that its prompt had, if the database still has it."""
        body = await self.state.load_spec(manifest.spec) if manifest.spec else None
        if body is None:
            return manifest
        spec = AgentSpec.model_validate_json(body)
        text = await known_instructions(self.state, spec, manifest.session, manifest.turn) or ""
        return manifest.model_copy(update={"instructions": text[:MAX_INSTRUCTIONS]})

    @activity.defn(name=names.SEARCH_MEMORY)
    @reports_failures
    async def search_memories(self, query: MemoryQuery) -> MemoryPage:
        """Search or list memories."""
        found = await required(self.memories).list(query)
        page = fitting(found.memories)
        return MemoryPage(memories=page, more=found.more or len(page) < len(found.memories))

    @activity.defn(name=names.ADD_MEMORY)
    @reports_failures
    async def add_memory(self, add: AddMemory) -> int:
        """Add a fact as an operator; return how many memories it made or changed."""
        if not add.scope:
            raise BadInput("scope is empty. Give the scope of the memory, such as user:42 or tenant")
        now = clock.now()
        fact = FactDraft(
            id=add.id,
            scope=add.scope,
            text=clean(add.text),
            at=now,
            topic=clean(add.topic),
            importance=add.importance,
            trust="operator",
            sources=(f"person:{add.by}",) if add.by else (),
            expires=add.expires,
        )
        return await required(self.memories).apply(
            Change(id=add.id, tenant=add.tenant, at=now, facts=(fact,))
        )

    @activity.defn(name=names.FORGET_MEMORIES)
    @reports_failures
    async def forget_memories(self, request: ForgetMemories) -> int:
        """Delete memories; return how many existed."""
        given = {"memories": str(len(request.ids))}
        subject = request.ids[0] if len(request.ids) == 1 else ""
        await self.state.append_audit(
            operated("memories_forgotten", tenant=request.tenant, subject=subject, details=given)
        )
        return await self.applying.forget(request.tenant, request.ids)

    @activity.defn(name=names.MEMORY_STATS)
    @reports_failures
    async def memory_stats(self) -> MemoryStats:
        """Count memories and pending changes."""
        waiting = await self.state.outbox.waiting()
        return (await required(self.memories).stats()).model_copy(update={"waiting": waiting})

    @activity.defn(name=names.MIGRATE_MEMORY)
    @reports_failures
    async def migrate_memory(self, _request: MigrateInput) -> MigrateResult:
        """Embed every memory again with this worker's embedder."""
        await self.state.append_audit(operated("memories_migrated"))
        return await required(self.memories).migrate()
