"""Attempts at calls, under the breakers of their tools."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from holdfast_activities.resilience.retrying import Retries
from holdfast_workflows.contracts.entries import ResultEntry
from holdfast_workflows.contracts.errors import EffectUnknown, ResultNotText, ResultTooLarge, ToolFailed

from . import running
from .work import Work

HAPPENED = (ResultTooLarge, ResultNotText)
"""Errors of a call that was carried out to its end."""


class Permit:
    """Leave to make one attempt."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    async def use(self, work: Work) -> ResultEntry:
        """Make the attempt.

        Raises:
            ToolFailed: As ``running.carry_out`` says.
        """
        operation = operation_of(work)
        try:
            entry = await running.carry_out(
                work.binding, work.call, work.arguments, work.spec.timeout, work.heartbeat
            )
        except ToolFailed as error:
            # What a tool refuses to do is an answer; only what may pass says something of its state.
            self._retries.note(operation, not _ill(error))
            raise
        self._retries.note(operation, ok=True)
        return entry


def operation_of(work: Work) -> str:
    """What outcomes and breakers go by."""
    return f"tool:{work.spec.name}"


def _ill(error: ToolFailed) -> bool:
    return error.retryable or isinstance(error, EffectUnknown)


class Attempts:
    """Makes attempts, under the tools' breakers."""

    def __init__(self, retries: Retries) -> None:
        self.retries = retries

    @asynccontextmanager
    async def admitted(self, work: Work) -> AsyncGenerator[Permit]:
        """Leave to make an attempt; it is given back if it was not used.

        Raises:
            CircuitOpen: The tool's breaker is open.
        """
        yield Permit(self.retries)
