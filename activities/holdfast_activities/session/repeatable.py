"""Calls that may be made again: of tools without effects, or whose effect is the same however often they are called."""

import asyncio
import time

from temporalio import activity

from holdfast_workflows.contracts.errors import ToolFailed
from holdfast_workflows.contracts.steps import ActResult

from . import running
from .attempts import HAPPENED, Attempts, operation_of
from .ledger import Ledger
from .work import Work, told


class Repeatable:
    """Carries out calls of tools whose effect is none, or the same however often they are called."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        self._ledger = ledger
        self._attempts = attempts

    async def carry_out(self, work: Work) -> ActResult:
        """Make one attempt and settle what came of it.

        Raises:
            ApplicationError: It failed and Temporal is to try again.
        """
        try:
            async with self._attempts.admitted(work) as permit:
                entry = await permit.use(work)
        except ToolFailed as error:
            retries = self._attempts.retries
            choice = retries.choose(operation_of(work), work.spec.retry, activity.info().attempt, error)
            # The model hears of it when nobody tries again.
            if choice.again:
                raise retries.failure(error, choice) from error
            entry = running.failed(work.call, error)
            happened = isinstance(error, HAPPENED)
        except asyncio.CancelledError:
            if not running.cancelled_by_session():
                raise
            entry = running.result(work.call, "cancelled", "cancelled", time.monotonic())
            happened = False
        else:
            happened = True
        row = None
        if work.spec.effect == "idempotent" and work.in_log:
            row = work.effect("settled" if happened else "failed", entry.text)
        return told(await self._ledger.settle(entry, row, work.call.session, in_log=work.in_log))
