"""Attempts at calls: admitted by the tool's breaker, made, and reported."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from holdfast_activities.resilience.breakers import Admission, Breakers, counts
from holdfast_activities.resilience.retrying import Retries
from holdfast_workflows.contracts.entries import ResultEntry
from holdfast_workflows.contracts.errors import EffectUnknown, ResultNotText, ResultTooLarge, ToolFailed

from ..common import run_tool
from .request import CallRequest

HAPPENED = (ResultTooLarge, ResultNotText)
"""Errors of a call that was carried out to its end."""


class Permit:
    """Leave to make one attempt. ``admission`` is the breaker's, to be told how it went."""

    def __init__(self, retries: Retries, breakers: Breakers, admission: Admission | None) -> None:
        self._retries = retries
        self._breakers = breakers
        self._admission = admission

    async def use(self, work: CallRequest, attempt: run_tool.Attempt) -> ResultEntry:
        """Make the attempt.

        Raises:
            NotBegun, ToolFailed: As ``running.carry_out`` says.
        """
        try:
            entry = await run_tool.carry_out(
                work.binding, work.call, work.arguments, work.spec.timeout, work.heartbeat, attempt
            )
        except ToolFailed as error:
            # What a tool refuses to do is an answer; only what may pass says something of its state.
            await self._tell(work, error if counts(error) or isinstance(error, EffectUnknown) else None)
            raise
        await self._tell(work, None)
        return entry

    async def give_back(self) -> None:
        """Tell the breaker that nothing was learnt, if it was not told anything."""
        admission, self._admission = self._admission, None
        if admission is not None:
            await self._breakers.abandoned(admission)

    async def _tell(self, work: CallRequest, error: ToolFailed | None) -> None:
        self._retries.note(operation_of(work), error is None)
        admission, self._admission = self._admission, None
        if admission is None:
            return
        if error is None:
            await self._breakers.succeeded(admission)
        else:
            await self._breakers.failed(admission, error.detail)


class Attempts:
    """Admits attempts. ``retries`` knows how the last ones went."""

    def __init__(self, retries: Retries, breakers: Breakers) -> None:
        self.retries = retries
        self._breakers = breakers

    @asynccontextmanager
    async def admitted(self, work: CallRequest) -> AsyncGenerator[Permit]:
        """Leave to make an attempt; the breaker has it back if it is not used.

        Raises:
            BreakerOpen: The tool's breaker is open; ``retry_after`` says when to ask again.
        """
        admission = await self._breakers.admit(operation_of(work)) if work.spec.breaker else None
        permit = Permit(self.retries, self._breakers, admission)
        try:
            yield permit
        finally:
            await permit.give_back()


def operation_of(work: CallRequest) -> str:
    """What outcomes and breakers of a tool go by."""
    return f"tool:{work.spec.name}"
