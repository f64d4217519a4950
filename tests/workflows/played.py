"""A worker whose activities are played by the test, so that it decides how memory and compaction fare.

The session, its server and its client are real; what the activities say is the test's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.client import Client as TemporalClient
from temporalio.worker import Worker

from holdfast_client import Client, connect
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import (
    CompactInput,
    CompactResult,
    Memory,
    RecallInput,
    RecallResult,
    RememberInput,
    RememberResult,
)
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import (
    ActInput,
    ActResult,
    CallView,
    LoadInput,
    LoadResult,
    SettleInput,
    StepView,
    ThinkInput,
    ThinkResult,
)
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.session import AgentWorkflow

SPENT = Usage(input_tokens=7, output_tokens=3)
NOTHING = Usage()

Think = Callable[[ThinkInput], StepView]


def says(text: str, *, context: int = 0, usage: Usage = NOTHING) -> Think:
    """A model's answer."""
    return lambda request: StepView(
        seq=request.seq, finish="stop", text=text, size=len(text), context=context, usage=usage
    )


def calls(name: str, arguments: str = "{}", *, context: int = 0, done: bool = False) -> Think:
    """A model that calls a tool; ``done`` where it ran within the step."""

    def think(request: ThinkInput) -> StepView:
        call = CallView(id=f"c{request.seq}", name=name, seq=request.seq + 1, arguments=arguments)
        if done:
            call = call.model_copy(update={"done": True, "status": "ok", "result": "done"})
        return StepView(seq=request.seq, finish="tool_calls", calls=(call,), context=context)

    return think


def fails(error: errors.HoldfastError) -> Callable[[Any], Any]:
    """An activity that fails so every time."""

    def fail(_: Any) -> Any:
        raise errors.to_failure(error)

    return fail


@dataclass
class Played:
    """What the activities are asked, and what they say.

    Attributes:
        thinks: What the model does, step after step; then it says ``Done.``
        spec: The agent.
        recall, remember, compact: What these activities answer.
        gates: Activities that wait until their event is set.
    """

    thinks: list[Think] = field(default_factory=list[Think])
    spec: PinnedSpec = field(default_factory=lambda: PinnedSpec(agent="a", digest="d", memory=Memory()))
    recall: Callable[[RecallInput], RecallResult] = lambda _: RecallResult(found=3)
    remember: Callable[[RememberInput], RememberResult] = lambda _: RememberResult(turns=2, usage=SPENT)
    compact: Callable[[CompactInput], CompactResult] = lambda request: CompactResult(
        start=1, to=request.upto - 2, before=900, after=90, how="model", usage=SPENT
    )
    gates: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    asked: list[Any] = field(default_factory=list[Any])
    arrived: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    def of(self, kind: type[Any]) -> list[Any]:
        """What was asked of one activity, in order."""
        return [each for each in self.asked if isinstance(each, kind)]

    async def reached(self, name: str) -> None:
        """Wait until an activity was begun."""
        async with asyncio.timeout(30):
            await self.arrived.setdefault(name, asyncio.Event()).wait()

    def activities(self) -> list[Callable[..., Any]]:
        """All activities of a session."""

        @activity.defn(name=names.LOAD_AGENT)
        async def load(request: LoadInput) -> LoadResult:
            await self._enter(names.LOAD_AGENT, request)
            return LoadResult(spec=self.spec)

        @activity.defn(name=names.THINK)
        async def think(request: ThinkInput) -> ThinkResult:
            await self._enter(names.THINK, request)
            return ThinkResult(steps=((self.thinks.pop(0) if self.thinks else says("Done."))(request),))

        @activity.defn(name=names.SETTLE_TURN)
        async def settle(request: SettleInput) -> int:
            await self._enter(names.SETTLE_TURN, request)
            return request.version + 1

        @activity.defn(name=names.RECALL)
        async def recall(request: RecallInput) -> RecallResult:
            await self._enter(names.RECALL, request)
            return self.recall(request)

        @activity.defn(name=names.REMEMBER_TURN)
        async def remember(request: RememberInput) -> RememberResult:
            await self._enter(names.REMEMBER_TURN, request)
            return self.remember(request)

        @activity.defn(name=names.COMPACT)
        async def compact(request: CompactInput) -> CompactResult:
            await self._enter(names.COMPACT, request)
            return self.compact(request)

        @activity.defn(name="look")
        async def look(request: ActInput) -> ActResult:
            await self._enter("look", request)
            return ActResult(preview="seen")

        return [load, think, settle, recall, remember, compact, look]

    async def _enter(self, name: str, request: Any) -> None:
        self.asked.append(request)
        self.arrived.setdefault(name, asyncio.Event()).set()
        if name in self.gates:
            await self.gates[name].wait()


@asynccontextmanager
async def playing(
    temporal: TemporalClient, queue: str, played: Played, *more: Callable[..., Any]
) -> AsyncGenerator[Client]:
    """A client of sessions whose activities are played, beside more of them."""
    async with Worker(
        temporal,
        task_queue=queue,
        workflows=[AgentWorkflow, MaintenanceWorkflow],
        activities=[*played.activities(), *more],
    ):
        yield await connect(temporal=temporal, task_queue=queue)
