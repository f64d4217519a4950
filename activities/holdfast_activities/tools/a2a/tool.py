"""A remote agent as a tool: its task is sent once, looked at until it ends, and cancelled with its call.

No call stays open while the agent works: after two seconds the session waits on a timer and calls again.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from a2a.types import Message, Part, Role, Task, TaskState
from temporalio import activity

from holdfast_activities import clock
from holdfast_workflows.contracts.agent.app import INPUTS, ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import EffectUnknown, HoldfastError, ToolError, ToolFailed
from holdfast_workflows.contracts.text.unicode import preview
from holdfast_workflows.contracts.tools.a2a import A2aArguments, A2aSettings, RemoteTask

from ..contract_tool import ContractTool
from ..questions import REMOTE, InputNeeded, StillRunning
from .client import NotReached, Remote, Unanswered, reached
from .replies import ASKS, ENDED, question_of, reply_of, said, state_of, text_of

_INLINE: Final = 2.0
"""Seconds for which a call waits for the task."""
_PAUSE: Final = 0.25
_SHARE: Final = 0.1
_LONGEST: Final = 300.0
"""Seconds between looks: a tenth of the time so far, at least one and at most these."""
_AGAIN: Final = (1.0, 5.0, 20.0, 60.0)
"""Seconds before further attempts to reach the agent."""
_CANCELLING: Final = 8.0
"""Seconds for the agent to cancel a task."""


def a2a_tool(spec: ToolSpec, settings: A2aSettings) -> ContractTool:
    """The binding of a remote agent."""
    return _RemoteAgent(spec, settings)


class _RemoteAgent(ContractTool):
    def __init__(self, spec: ToolSpec, settings: A2aSettings) -> None:
        super().__init__(spec, A2aArguments, self._call)
        self._settings = settings

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """Find the task of a call whose outcome is unknown, by the context that only this call has.

        Raises:
            StillRunning: The agent works on it.
            EffectUnknown: The agent does not say.
        """
        if self._settings.conversation:
            raise EffectUnknown("calls of a conversation cannot be told apart")
        now = clock.now()
        try:
            async with reached(self._settings) as remote:
                task = await remote.find(self._context(context))
                if task is not None:
                    task = await remote.get(task.id)
        except (NotReached, Unanswered, HoldfastError) as error:
            raise EffectUnknown(f"the agent does not say whether it has the task: {error}") from error
        if task is None:
            return None
        if task.status.state == TaskState.TASK_STATE_COMPLETED:
            return reply_of(task)
        raise StillRunning(RemoteTask(id=task.id, context=task.context_id, since=now), _PAUSE, self._works())

    async def _call(self, asked: A2aArguments, context: ToolContext) -> str:
        at = REMOTE.get() or RemoteTask(since=clock.now())
        call = _Call(self.spec, self._settings, context, at)
        try:
            async with reached(self._settings) as remote:
                return await call.carry_out(remote, asked.message, self._context(context))
        except NotReached as error:
            raise call.not_reached(str(error), error.after) from error
        except Unanswered as error:
            raise call.unanswered(str(error)) from error

    def _context(self, context: ToolContext) -> str:
        """The context of a call, or of all calls of its session."""
        whose = [context.session, self.spec.name] if self._settings.conversation else [context.key]
        return f"holdfast-{_digest(*whose)}"

    def _works(self) -> str:
        return f"the agent of {self.spec.name!r} works on its task"


class _Call:
    """One attempt of a call; ``at`` is what is known of its task."""

    def __init__(self, spec: ToolSpec, settings: A2aSettings, context: ToolContext, at: RemoteTask) -> None:
        self._spec = spec
        self._settings = settings
        self._context = context
        self._at = at

    async def carry_out(self, remote: Remote, message: str, context: str) -> str:
        """Send the message unless the task is known, and look at the task."""
        if self._at.stop:
            raise await self._stopped(remote)
        if self._at.id:
            task = await remote.get(self._at.id)
        else:
            response = await remote.send(self._message(message, self._context.key, context=context))
            if response.HasField("message"):
                return text_of(response.message.parts)
            task = response.task
        try:
            return await self._followed(remote, task)
        except asyncio.CancelledError:
            if _by_session():
                await asyncio.shield(self._cancel(remote))
            raise

    async def _followed(self, remote: Remote, task: Task) -> str:
        ends = clock.steady() + _INLINE
        while True:
            self._at = self._at.model_copy(update={"id": task.id, "context": task.context_id, "tries": 0})
            state = task.status.state
            if state in ENDED:
                return self._ended(task)
            if state in ASKS:
                task = await self._answered(remote, task)
            elif clock.now() - self._at.since > self._settings.timeout:
                raise await self._stopped(remote, f"it had no result within {self._settings.timeout:g} s")
            elif clock.steady() > ends:
                raise self._still(said(task))
            else:
                self._context.heartbeat(preview(said(task) or state_of(task)))
                await asyncio.sleep(_PAUSE)
                task = await remote.get(task.id)

    def _ended(self, task: Task) -> str:
        if task.status.state == TaskState.TASK_STATE_COMPLETED:
            return reply_of(task)
        raise ToolError(f"the agent's task is {state_of(task)}: {said(task) or 'it does not say why'}")

    async def _answered(self, remote: Remote, task: Task) -> Task:
        """Send a person's answer to what the agent asks, or have the person asked."""
        question = question_of(self._spec.name, task)
        given = INPUTS.get().get(question.digest)
        if given is None:
            raise InputNeeded(question, self._at)
        # The time of the person is not the agent's.
        self._at = self._at.model_copy(update={"since": clock.now()})
        key = f"{self._context.key} {question.digest}"
        response = await remote.send(self._message(given, key, context=task.context_id, task=task.id))
        return response.task if response.HasField("task") else await remote.get(task.id)

    async def _stopped(self, remote: Remote, why: str = "its call was cancelled") -> ToolFailed:
        """Cancel the task; the error of the call."""
        task = await self._cancel(remote)
        if task is not None and task.status.state in ENDED:
            return ToolError(f"{why}; the agent's task is {state_of(task)}")
        return EffectUnknown(f"{why}, and the agent has not confirmed that its task has ended")

    async def _cancel(self, remote: Remote) -> Task | None:
        with suppress(NotReached, Unanswered, HoldfastError, TimeoutError):
            async with asyncio.timeout(_CANCELLING):
                with suppress(ToolError):  # it may have ended before
                    await remote.cancel(self._at.id)
                return await remote.get(self._at.id)
        return None

    # Failures.

    def not_reached(self, why: str, after: float | None) -> ToolFailed:
        """The error of an attempt that the agent has not seen."""
        if self._at.id:
            return self._later(why)
        if self._at.tries >= len(_AGAIN):
            return ToolFailed(why, retryable=False)
        seconds = min(max(after or 0.0, _AGAIN[self._at.tries]), _LONGEST)
        at = self._at.model_copy(update={"tries": self._at.tries + 1})
        return StillRunning(
            at, seconds, f"the agent of {self._spec.name!r} cannot be reached: {preview(why)}"
        )

    def unanswered(self, why: str) -> ToolFailed:
        """The error of an attempt that the agent may have seen."""
        if self._at.id:
            return self._later(why)
        return (EffectUnknown if self._spec.effect == "once" else ToolFailed)(why)

    def _later(self, why: str) -> ToolFailed:
        """Look at the task later, until its time is over."""
        if self._at.stop or clock.now() - self._at.since > self._settings.timeout:
            return EffectUnknown(f"the agent does not say whether its task has ended: {why}")
        return self._still(why)

    def _still(self, why: str) -> StillRunning:
        seconds = min(max(_SHARE * (clock.now() - self._at.since), 1.0), _LONGEST)
        reason = f"the agent of {self._spec.name!r} works on its task"
        return StillRunning(self._at, seconds, f"{reason}: {preview(why)}" if why else reason)

    def _message(self, text: str, key: str, *, context: str, task: str = "") -> Message:
        """A message whose id is always the same for the same call."""
        id = _digest(key)
        return Message(
            message_id=id, role=Role.ROLE_USER, parts=[Part(text=text)], context_id=context, task_id=task
        )


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]


def _by_session() -> bool:
    """Whether the session cancels the call; otherwise its worker stops, and another one goes on."""
    details = activity.cancellation_details() if activity.in_activity() else None
    return details is not None and details.cancel_requested
