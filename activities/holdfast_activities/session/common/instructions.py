"""The instructions of a turn: the agent's text, or what its function returned for that turn, once."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.resilience.classify import classify
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import InstructionsContext, InstructionsFunction, Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import InstructionsFailed, ToolFailed, UnknownAgent
from holdfast_workflows.contracts.limits import MAX_INSTRUCTIONS
from holdfast_workflows.contracts.session.steps import ThinkInput
from holdfast_workflows.contracts.text.redaction import redact_known
from holdfast_workflows.contracts.text.unicode import clean, size

from .agents import LiveAgent

_SECONDS: Final = 10.0
"""Time limit of a function; ``think`` has that much more time than its model calls."""


class TurnInstructions:
    """Calls the functions of a worker's agents. What one returned is in the state database, for the whole turn."""

    def __init__(self, state: State, registry: Registry) -> None:
        self._state = state
        self._registry = registry

    async def of(self, agent: LiveAgent, step: ThinkInput) -> str:
        """The instructions of the step's turn; the first attempt to store them decides.

        Raises:
            InstructionsFailed: The function raised, returned no text, or took too long.
            UnknownAgent: This worker does not have the agent; another one may.
        """
        known = await known_instructions(self._state, agent.spec, step.session, step.turn)
        if known is not None:
            return known
        text = redact_known(await self._made(agent, step))
        ref = await self._state.store_text(step.session, _ref(step.turn), text)
        stored = await self._state.load_text(step.session, ref)
        return text if stored is None else stored

    async def _made(self, agent: LiveAgent, step: ThinkInput) -> str:
        name = agent.spec.name
        function = self._registry.instructions.get(name)
        if function is not None:
            return await self._called(function, step)
        now = self._registry.agents.get(name)
        if now is None:
            raise UnknownAgent(f"this worker does not have agent {name!r}", retryable=await agent.elsewhere())
        # The worker's code has a text instead of the function that the session began with.
        return now.instructions

    async def _called(self, function: InstructionsFunction, step: ThinkInput) -> str:
        context = InstructionsContext(
            agent=step.agent,
            session=step.session,
            user=step.user,
            tenant=step.tenant,
            turn=step.turn,
            now=datetime.fromtimestamp(clock.now(), UTC),
            deps=self._registry.deps,
        )
        task = asyncio.ensure_future(function(context))
        task.add_done_callback(_retrieved)
        try:
            done, _ = await asyncio.wait([task], timeout=_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise InstructionsFailed(f"no result after {_SECONDS:g} s")
        try:
            text = task.result()
        except Exception as error:
            found = classify(error, ToolFailed)
            activity.logger.warning("the instructions function of %s failed", step.agent, exc_info=error)
            raise InstructionsFailed(
                found.detail or str(found), retryable=found.retryable, retry_after=found.retry_after
            ) from error
        return _checked(text)


async def known_instructions(state: State, spec: AgentSpec, session: str, turn: int) -> str | None:
    """The instructions of a turn; None if its function has not been called yet."""
    if not spec.dynamic_instructions:
        return spec.instructions
    return await state.load_text(session, _ref(turn))


async def copy_instructions(state: State, spec: AgentSpec, session: str, to: str, turn: int) -> None:
    """Give another session the instructions that the function returned for a turn, if it was called."""
    known = await known_instructions(state, spec, session, turn) if spec.dynamic_instructions else None
    if known is not None:
        await state.store_text(to, _ref(turn), known)


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise InstructionsFailed(f"it returned {type(text).__name__}; return a str", retryable=False)
    text = clean(text)
    if size(text) > MAX_INSTRUCTIONS:
        raise InstructionsFailed(
            f"it returned {size(text):,} bytes; at most {MAX_INSTRUCTIONS:,}", retryable=False
        )
    return text


def _retrieved(task: "asyncio.Future[object]") -> None:
    """Retrieve the error of a function that timed out, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()


def _ref(turn: int) -> str:
    """Turn numbers are never reused, also after a reset."""
    return f"{names.INSTRUCTIONS_TEXT}{turn}"
