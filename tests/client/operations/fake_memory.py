"""Fake activities for memories, manifests and erasure, which record their requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import (
    EVERY_TASK,
    AddMemory,
    EraseInput,
    EraseResult,
    ForgetMemories,
    MaintainInput,
    MaintenanceReport,
    MemoryPage,
    MemoryQuery,
    MemoryStats,
    MemoryView,
    MigrateInput,
    MigrateResult,
    TaskReport,
)
from holdfast_workflows.contracts.session.manifests import Manifest, ManifestItem, Manifests, ReadManifests


def manifest(seq: int, turn: int, step: int, **more: Any) -> Manifest:
    """Make a manifest."""
    given: dict[str, Any] = {
        "session": "s", "seq": seq, "turn": turn, "step": step, "model": "openai:m", "context_window": 8_000,
        "reserve": 1_000, "budget": 7_000, "estimated": 3_500,
    }  # fmt: skip
    return Manifest.model_validate({**given, **more})


FULL = manifest(
    9,
    2,
    1,
    estimated=6_900,
    reported=7_000,
    strategies=("cut_long", "slide"),
    items=(
        ManifestItem(part="instructions", shown="whole", tokens=320),
        ManifestItem(part="conversation", shown="left_out", saved=900, start=1, stop=3, count=2, why="old"),
        ManifestItem(part="task", shown="whole", tokens=12, start=8, stop=9),
    ),
)


@dataclass
class FakeMemory:
    """Stored values and received requests.

    Attributes:
        memories: All memories.
        manifests: All manifests, of any session.
        pages: Values per page.
        sessions: Sessions that an erasure returns.
        failing: Maintenance tasks that fail.
    """

    memories: list[MemoryView] = field(default_factory=list[MemoryView])
    manifests: list[Manifest] = field(default_factory=list[Manifest])
    pages: int = 2
    sessions: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    requests: list[Any] = field(default_factory=list[Any])

    def requests_of(self, kind: type[Any]) -> list[Any]:
        """Return the requests of a type, in order."""
        return [each for each in self.requests if isinstance(each, kind)]

    def activities(self) -> list[Callable[..., Any]]:
        """Return the fake activities."""

        @activity.defn(name=names.SEARCH_MEMORY)
        async def search(query: MemoryQuery) -> MemoryPage:
            self.requests.append(query)
            found = [each for each in self.memories if each.id > query.after and query.text in each.text]
            most = min(self.pages, query.limit)
            return MemoryPage(memories=tuple(found[:most]), more=not query.text and len(found) > most)

        @activity.defn(name=names.ADD_MEMORY)
        async def add(request: AddMemory) -> int:
            self.requests.append(request)
            self.memories.append(MemoryView(id=request.id, text=request.text, scope=request.scope))
            return 1

        @activity.defn(name=names.FORGET_MEMORIES)
        async def forget(request: ForgetMemories) -> int:
            self.requests.append(request)
            return len(request.ids)

        @activity.defn(name=names.MEMORY_STATS)
        async def stats() -> MemoryStats:
            return MemoryStats(store="embedded", model="m", dimension=3, tenants=1, facts=2, waiting=4)

        @activity.defn(name=names.ERASE)
        async def erase(request: EraseInput) -> EraseResult:
            self.requests += [] if request.check else [request]
            return EraseResult(memories=3, entries=5, sessions=self.sessions)

        @activity.defn(name=names.MIGRATE_MEMORY)
        async def migrate(request: MigrateInput) -> MigrateResult:
            self.requests.append(request)
            return MigrateResult(memories=7, model="m", dimension=3)

        @activity.defn(name=names.MAINTAIN)
        async def maintain(request: MaintainInput) -> MaintenanceReport:
            if set(request.tasks) & set(self.failing):
                raise errors.to_failure(errors.EmbeddingMismatch("a is not b"))
            reports = tuple(TaskReport(task=task, count=1) for task in request.tasks)
            return MaintenanceReport(tasks=reports, known=EVERY_TASK)

        @activity.defn(name=names.READ_MANIFESTS)
        async def manifests(request: ReadManifests) -> Manifests:
            return self.read_manifests(request)

        return [search, add, forget, stats, erase, migrate, maintain, manifests]

    def read_manifests(self, request: ReadManifests) -> Manifests:
        """Return the manifest that is asked for, or the next page."""
        if request.seq:
            return Manifests(manifests=tuple(each for each in self.manifests if each.seq == request.seq))
        found = [each for each in self.manifests if each.seq > request.after]
        return Manifests(manifests=tuple(found[: self.pages]), more=len(found) > self.pages)
