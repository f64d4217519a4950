"""Attempts at tool calls: admitted by the tool's breaker, executed and reported to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from holdfast_activities.resilience import Admission, Resilience, counts
from holdfast_workflows.contracts.errors import EffectUnknown, ResultNotText, ResultTooLarge, ToolFailed
from holdfast_workflows.contracts.session.entries import ResultEntry

from ..common import run_tool
from .request import CallRequest

HAPPENED = (ResultTooLarge, ResultNotText)
"""Errors of calls that were executed completely."""


class Permit:
    """Permission for one attempt, with its ``admission`` by the breaker of the tool."""

    def __init__(self, resilience: Resilience, admission: Admission | None) -> None:
        self._resilience = resilience
        self._breakers = resilience.breakers
        self._admission = admission

    async def use(self, work: CallRequest, attempt: run_tool.Attempt) -> ResultEntry:
        """Make the attempt and report its outcome. Errors are those of ``run_tool.run``."""
        try:
            entry = await run_tool.run(
                work.binding,
                work.call,
                work.arguments,
                work.spec.timeout,
                work.heartbeat,
                self._resilience.metrics,
                attempt,
            )
        except ToolFailed as error:
            # A refusal is an answer. Only transient errors say something about the tool's state.
            await self._report(work, error if counts(error) or isinstance(error, EffectUnknown) else None)
            raise
        await self._report(work, None)
        return entry

    async def give_back(self) -> None:
        """Return an unused admission to the breaker."""
        if self._admission is not None:
            await self._breakers.abandoned(self._admission)

    async def _report(self, work: CallRequest, error: ToolFailed | None) -> None:
        self._resilience.retries.note(operation_of(work), error is None)
        admission, self._admission = self._admission, None
        if admission is None:
            return
        if error is None:
            await self._breakers.succeeded(admission)
        else:
            await self._breakers.failed(admission, error.detail)


class Attempts:
    """Admits attempts. ``retries`` has the outcomes of recent ones."""

    def __init__(self, resilience: Resilience) -> None:
        self._resilience = resilience
        self.retries, self.metrics = resilience.retries, resilience.metrics

    @asynccontextmanager
    async def admitted(self, work: CallRequest) -> AsyncGenerator[Permit]:
        """Admit one attempt, or raise ``BreakerOpen``; an unused permission is returned to the breaker."""
        breakers = self._resilience.breakers
        admission = await breakers.admit(operation_of(work)) if work.spec.breaker else None
        permit = Permit(self._resilience, admission)
        try:
            yield permit
        finally:
            await permit.give_back()


def operation_of(work: CallRequest) -> str:
    """The name of a tool's breaker and retry statistics."""
    return f"tool:{work.spec.name}"
