"""Calls that may be made again: of tools without effects, or with idempotent ones."""

import asyncio
from weakref import WeakValueDictionary

from temporalio import activity

from holdfast_workflows.contracts.errors import ToolFailed
from holdfast_workflows.contracts.session.steps import ActResult

from ..common import run_tool
from .attempts import HAPPENED, Attempts, operation_of
from .ledger import Ledger
from .request import CallRequest
from .tickets import needed


class Repeatable:
    """Executes calls of tools with ``effect="none"`` or ``effect="idempotent"``."""

    def __init__(self, ledger: Ledger, attempts: Attempts) -> None:
        self._ledger = ledger
        self._attempts = attempts

    async def carry_out(self, work: CallRequest) -> ActResult:
        """Make one attempt and settle its result; an ApplicationError if Temporal has to retry it."""
        try:
            await _wait_for_earlier(work)
            async with self._attempts.admitted(work) as permit:
                attempt = run_tool.Attempt()
                if work.spec.effect == "idempotent":
                    _last[work.call.key] = attempt
                entry = await permit.use(work, attempt)
        except ToolFailed as error:
            if (needs := needed(work, error)) is not None:
                return await self._open(work, needs)
            retries = self._attempts.retries
            choice = retries.choose(operation_of(work), work.spec.retry, activity.info().attempt, error)
            # The model gets the error once there is no further retry.
            if choice.again:
                raise retries.failure(error, choice) from error
            entry = run_tool.failed(work.call, error)
            happened = isinstance(error, HAPPENED)
        except asyncio.CancelledError:
            if not run_tool.cancelled_by_session():
                raise
            entry = run_tool.result(work.call, "cancelled", "cancelled")
            happened = False
        else:
            happened = True
        row = None
        if work.spec.effect == "idempotent" and work.in_log:
            row = work.effect("settled" if happened else "failed", entry.text)
        return await self._ledger.finish(work, entry, row)

    async def _open(self, work: CallRequest, needs: ActResult) -> ActResult:
        if needs.children is not None and work.spec.effect == "idempotent":
            # After a reset the same call finds its key here, and with it the children.
            await self._ledger.claim(work.effect("claimed"))
        return needs


_last = WeakValueDictionary[str, run_tool.Attempt]()
"""The last attempt of each idempotent call in this process, by key. It is referenced while its function runs."""


async def _wait_for_earlier(work: CallRequest) -> None:
    """Wait for the end of an earlier attempt: idempotent tools need not support two at once."""
    earlier = _last.get(work.call.key)
    if earlier is None or earlier.task is None or earlier.ended:
        return
    await asyncio.wait([earlier.task], timeout=work.spec.timeout)
    if not earlier.ended:
        raise ToolFailed("an earlier attempt cannot be stopped, and is still at work")
