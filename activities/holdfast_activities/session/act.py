"""A tool call as an activity of its own; its activity type is the tool's name."""

import asyncio
import time
from collections.abc import Sequence

from temporalio import activity
from temporalio.common import RawValue

from holdfast_activities.context import Conversations
from holdfast_activities.state.base import State
from holdfast_workflows.contracts.entries import ReplyEntry, ResultEntry
from holdfast_workflows.contracts.errors import HoldfastError, StateError, ToolFailed, to_failure
from holdfast_workflows.contracts.session import ToolProgress
from holdfast_workflows.contracts.steps import ActInput, ActResult
from holdfast_workflows.contracts.text import preview, size

from . import running
from .agents import LiveAgents
from .pulse import UNWATCHED, Pulse

_SHOWN = 500
"""Characters of what a tool says of its progress that people see."""


class Act:
    """Every tool's activity."""

    def __init__(self, state: State, agents: LiveAgents, conversations: Conversations) -> None:
        self._state = state
        self._agents = agents
        self._conversations = conversations

    @activity.defn(dynamic=True)
    async def act(self, args: Sequence[RawValue]) -> ActResult:
        """Carry out one call and settle its result; a call that is settled is not carried out again."""
        request: ActInput = activity.payload_converter().from_payload(args[0].payload, ActInput)
        try:
            entry = await self._settled(request) or await self._settle(request, await self._run(request))
        except HoldfastError as error:
            raise to_failure(error) from error
        return ActResult(
            status=entry.status,
            preview=preview(entry.text),
            size=size(entry.text),
            seconds=entry.seconds,
        )

    async def _settled(self, request: ActInput) -> ResultEntry | None:
        """What an earlier attempt settled, if there was one."""
        if not request.again and activity.info().attempt == 1:
            return None
        found = await self._state.log.read(request.session, request.seq, request.seq + 1)
        return found[0] if found and isinstance(found[0], ResultEntry) else None

    async def _run(self, request: ActInput) -> ResultEntry:
        agent = await self._agents.get(request.digest)
        binding, spec = agent.binding(request.name), agent.tools.get(request.name)
        call = await self._call(request)
        if binding is None or spec is None:
            return running.failed(call, ToolFailed(f"this worker has no tool {request.name!r}"))
        said = ""

        def heartbeat(detail: str) -> None:
            nonlocal said
            said = preview(detail, _SHOWN)

        try:
            with Pulse(UNWATCHED, lambda: ToolProgress(name=request.name, detail=said)):
                return await running.run(binding, call, spec.timeout, heartbeat)
        except ToolFailed as error:
            # Temporal tries again; the model hears of it when nobody will.
            if error.retryable and activity.info().attempt < request.attempts:
                raise
            return running.failed(call, error)
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is None or not details.cancel_requested:
                raise
            return running.result(call, "cancelled", "cancelled", time.monotonic())

    async def _call(self, request: ActInput) -> running.Call:
        arguments = request.arguments
        if not arguments:
            found = await self._state.log.read(request.session, request.reply, request.reply + 1)
            if not found or not isinstance(found[0], ReplyEntry):
                raise StateError(f"reply {request.reply} is not in the log")
            arguments = found[0].calls[request.index].arguments
        return running.Call(
            session=request.session,
            tenant=request.tenant,
            agent=request.agent,
            turn=request.turn,
            step=request.step,
            seq=request.seq,
            call_id=request.call_id,
            name=request.name,
            arguments=arguments,
            key=request.key,
            attempt=activity.info().attempt,
        )

    async def _settle(self, request: ActInput, entry: ResultEntry) -> ResultEntry:
        stored = (await self._state.log.settle(request.session, [entry]))[0]
        self._conversations.offer(request.session, [stored])
        if not isinstance(stored, ResultEntry):
            raise StateError(f"number {entry.seq} of the log holds a {stored.kind}, not a result")
        return stored
