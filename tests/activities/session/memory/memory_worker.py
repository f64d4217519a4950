"""A worker's memory activities on real parts: a state database, an embedded memory store, a scripted model."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from temporalio.testing import ActivityEnvironment

from holdfast import Agent, App, Memory, tool
from holdfast.testing import Reply, Request, ScriptedModel, providers_of, say
from holdfast_activities import Activities
from holdfast_activities.memory import Memories
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.models import Models
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import State
from holdfast_temporal import data_converter
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Allowance
from holdfast_workflows.contracts.agent.memory import RecallInput, RememberInput
from holdfast_workflows.contracts.errors import MemoryUnavailable
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, UserEntry
from holdfast_workflows.contracts.session.steps import LoadInput, LoadResult

WAIT = 20.0
"""Seconds; the bound of every wait here."""


class SwitchableMemories:
    """Memories that raise MemoryUnavailable while ``down`` is set."""

    def __init__(self, memories: Memories) -> None:
        self.down = False
        self.retry_after: float | None = None
        self._memories = memories

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.down:
                raise MemoryUnavailable("switched off", retry_after=self.retry_after)
            return await getattr(self._memories, name)(*args, **kwargs)

        return call


@tool
def look(order: str) -> str:
    """Look an order up."""
    return f"order {order} is on its way"


class MemoryWorker:
    """One worker, and one session of its agent ``clerk``."""

    def __init__(
        self,
        state: State,
        memory: SwitchableMemories,
        model: ScriptedModel,
        agent: Agent,
        tenant: TenantLimits | None,
    ) -> None:
        self.state = state
        self.memory = memory
        self.model = model
        self.asked = agent.spec.models[0]
        self.session = f"s-{uuid4().hex}"
        self.tenant = f"t-{uuid4().hex}"
        self.user = "ann"
        self.pinned: LoadResult | None = None
        registry = App(agents=[agent], tenants={"*": tenant} if tenant else {}).registry()
        self._models = Models(providers_of(model))
        self._resilience = Resilience(state)
        self.activities = Activities(
            registry, state, self._models, self._resilience, memory=cast("Memories", memory)
        )
        self.environment = ActivityEnvironment()
        self.environment.payload_converter = data_converter.payload_converter

    async def close(self) -> None:
        await self._resilience.close()
        await self._models.close()

    async def run(self, name: str, *args: object, attempt: int = 1, waited: float = 0.0) -> Any:
        """Carry out an activity that was asked for so many seconds ago."""
        self.environment.info = dataclasses.replace(
            ActivityEnvironment.default_info(),
            attempt=attempt,
            scheduled_time=datetime.now(UTC) - timedelta(seconds=waited),
        )
        made = next(each for each in self.activities.all() if each.__name__ == name)
        async with asyncio.timeout(WAIT):
            return await self.environment.run(made, *args)

    def alive(self) -> asyncio.Event:
        """Set once an activity has given a sign of life."""
        alive = asyncio.Event()

        def beat(*_: object) -> None:
            alive.set()

        self.environment.on_heartbeat = beat
        return alive

    async def digest(self) -> str:
        """Of the pinned spec; the session is begun if it was not."""
        if self.pinned is None:
            load = LoadInput(session=self.session, agent="clerk", tenant=self.tenant, user=self.user)
            self.pinned = await self.run(names.LOAD_AGENT, load)
        assert self.pinned is not None
        return self.pinned.spec.digest

    async def log(self, *entries: Entry) -> None:
        await self.state.log.settle(self.session, entries)

    async def turn(self, turn: int, message: str, answer: str) -> RememberInput:
        """A turn that has ended, in the log, and the request to remember it."""
        start = 100 * turn
        await self.log(
            UserEntry(seq=start + 1, turn=turn, text=message),
            ReplyEntry(seq=start + 2, turn=turn, step=1, at=1_700_000_000.0 + turn, text=answer),
        )
        return RememberInput(
            session=self.session,
            agent="clerk",
            digest=await self.digest(),
            turn=turn,
            start=start,
            stop=start + 3,
            tenant=self.tenant,
            user=self.user,
            allowance=Allowance(account=names.run_account(self.session), tokens=1_000_000),
        )

    async def recalling(self, text: str, seq: int = 500, **more: Any) -> RecallInput:
        """The request to recall for a message."""
        return RecallInput(
            session=self.session,
            agent="clerk",
            digest=await self.digest(),
            seq=seq,
            turn=5,
            tenant=self.tenant,
            user=self.user,
            text=text,
            **more,
        )


@asynccontextmanager
async def remembering(
    state: State,
    folder: Path,
    *script: Reply,
    memory: Memory | None = None,
    tenant: TenantLimits | None = None,
    asked: str = "",
    **options: Any,
) -> AsyncGenerator[MemoryWorker]:
    """A worker with memories in a folder, and a model that says what the script says, then ``[]``."""
    said = iter(script)

    def answer(_: Request) -> Reply:
        return next(said, say("[]"))

    agent = Agent(
        "clerk",
        # Tests share the database, and what workers learn of a model.
        model=asked or f"openai:{uuid4().hex}",
        tools=[look],
        memory=memory or Memory(),
        working_memory=True,
        **options,
    )
    memories = Memories(await open_embedded(folder / "memory.db", synchronous="NORMAL"))
    async with ScriptedModel(answer) as model:
        worker = MemoryWorker(state, SwitchableMemories(memories), model, agent, tenant)
        try:
            yield worker
        finally:
            await worker.close()
            await memories.close()
