"""A handle for one fleet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final, Generic, TypeVar

from temporalio.client import WorkflowExecutionStatus

from holdfast_client.operations.stored import content
from holdfast_client.reply import Output, OutT
from holdfast_client.requests import waiting
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    NothingToDo,
    ServiceError,
    SessionClosed,
    SessionNotFound,
    TurnNotEnded,
)
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.session import TaskResult
from holdfast_workflows.contracts.teams.fleets import (
    LETTERS,
    MOST_ATTEMPTS,
    FleetItem,
    FleetItems,
    FleetReport,
    ItemPage,
    ItemStatus,
    ReadItems,
    item_session,
)

from . import fleet_requests
from .fleet_result import FleetResult, result_of

T = TypeVar("T")

_FIRST, _SLOWER, _SLOWEST = 0.2, 1.3, 2.0
"""Seconds between looks at the report."""

_ENDED: Final = frozenset({"done", "cancelled"})
_PAGE: Final = 50


@public
class Fleet(Generic[OutT]):
    """A handle for one fleet, made by ``client.fleets`` without a request."""

    def __init__(self, requests: Requests, id: str, *, output: Output[OutT] | None = None) -> None:
        self._requests = requests
        self._id = id
        self._output: Output[OutT] = output or Output()

    @property
    def id(self) -> str:
        """The fleet's id, which is its workflow's."""
        return self._id

    def __repr__(self) -> str:
        return f"Fleet({self._id!r})"

    async def report(self) -> FleetReport:
        """Return how far the fleet is, also after its end."""
        return await self._requests.query(self._id, "report", None, FleetReport)

    async def watch(self) -> AsyncGenerator[FleetReport]:
        """Yield the report each time it has changed, until the fleet has ended."""
        last, pause, answered = None, _FIRST, time.monotonic()
        while True:
            try:
                report = await self.report()
                answered = time.monotonic()
            except SessionNotFound:
                raise
            except ServiceError:
                if time.monotonic() - answered > self._requests.timeout:
                    raise
            else:
                if report != last:
                    yield report
                if report.status in _ENDED:
                    return
                if report == last:
                    await self._expect_going_on(report)
                pause = _FIRST if report != last else min(pause * _SLOWER, _SLOWEST)
                last = report
            await asyncio.sleep(pause)

    async def _expect_going_on(self, report: FleetReport) -> None:
        """Raise the error of a fleet that has ended without its last report."""
        if (await self._requests.describe(self._id)).status == WorkflowExecutionStatus.RUNNING:
            return
        if await self.report() == report:  # it has not ended in between
            await self._requests.result(self._id, self._requests.timeout)
            raise SessionClosed(f"fleet {self._id} was ended by an operator of Temporal")

    async def opened(self) -> None:
        """Wait until the start has been checked.

        Raises:
            UnknownAgent: The workers serve no such agent.
            NotPermitted: The principal may not start it.
        """
        async for report in self.watch():
            if report.status != "starting":
                return

    async def wait(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 # the error says how to come back
    ) -> FleetReport:
        """Wait until every item has ended and return the report.

        Raises:
            TurnNotEnded: Items are left after ``timeout`` seconds.
            SessionClosed: Its workflow was terminated.
        """

        async def last() -> FleetReport:
            return [report async for report in self.watch()][-1]

        async def late() -> TurnNotEnded:
            report = await self.report()
            left = report.pending + report.running
            return TurnNotEnded(
                f"fleet {self._id} is {report.status} with {left:,} of {report.total:,} items left; "
                f"come back with client.fleets.get({self._id!r}).wait()"
            )

        return await waiting.within(last(), timeout, late)

    async def pause(self, reason: str = "") -> FleetReport:
        """Start no further items; those that run continue."""
        return await self._requests.update(self._id, "pause", reason, FleetReport)

    async def resume(self) -> FleetReport:
        """Start items again."""
        return await self._requests.update(self._id, "resume", None, FleetReport)

    async def retry(self) -> FleetReport:
        """Try the failed items again, each in a new session; a fleet that has ended goes on.

        Raises:
            NothingToDo: No item has failed, or those that have were tried nine times.
        """
        try:
            return await self._requests.update(self._id, "retry_items", None, FleetReport)
        except SessionClosed:
            return await self._again()

    async def _again(self) -> FleetReport:
        items = await self._items()
        state = items.state
        tries = zip(state.statuses, state.attempts, strict=True)
        statuses = "".join(
            "."
            if (LETTERS[each] == "failed" and int(tried) < MOST_ATTEMPTS) or LETTERS[each] == "cancelled"
            else each
            for each, tried in tries
        )
        if "." not in statuses:
            raise NothingToDo("no item has failed or was cancelled, with attempts left")
        carry = state.model_copy(
            update={"statuses": statuses, "errors": (), "cancelled": False, "paused": "", "spent": ""}
        )
        start = items.start.model_copy(update={"carry": carry})
        await fleet_requests.start(self._requests, self._id, start, again=True)
        return await self.report()

    async def cancel(self, reason: str = "") -> FleetReport:
        """Start no further items, cancel those that run, and wait until their calls are settled or undone."""
        await self._requests.update(self._id, "cancel_fleet", reason, FleetReport)
        return await self.wait()

    async def raise_budget(self, *, tokens: int = 0, dollars: float = 0.0) -> FleetReport:
        """Raise the budget that all items share; a fleet that waits for it continues."""
        with bad_input():
            by = RaiseBudget(tokens=tokens, dollars=dollars)
        return await self._requests.update(self._id, "raise_budget", by, FleetReport)

    async def results(self, *, status: ItemStatus | None = None) -> AsyncGenerator[FleetResult[OutT]]:
        """Yield the results of the items in their order, also while others run.

        ``status`` selects items; by default all, with those that have no result yet.
        """
        items = await self._items()
        first = 0
        for chunk in items.start.chunks:
            places = [
                place
                for place in range(first, first + chunk.count)
                if status in {None, LETTERS[items.state.statuses[place]]}
            ]
            while places:
                start = places[0]
                until = min(start + _PAGE, first + chunk.count)
                page = await self._page(items, chunk.ref, first, start, until)
                for place, item in enumerate(page, start):
                    if place in places:
                        yield await self._result(items, place, item)
                places = [place for place in places if place >= start + len(page)]
            first += chunk.count

    async def _page(
        self, items: FleetItems, ref: str, first: int, start: int, until: int
    ) -> tuple[FleetItem, ...]:
        attempts = [int(items.state.attempts[place]) for place in range(start, until)]
        sessions = [
            item_session(self._id, place, tries) if tries else ""
            for place, tries in zip(range(start, until), attempts, strict=True)
        ]
        request = ReadItems(session=self._id, ref=ref, first=start - first, sessions=tuple(sessions))
        return (await self._requests.activity(names.READ_ITEMS, request, ItemPage, session=self._id)).items

    async def _result(self, items: FleetItems, place: int, item: FleetItem) -> FleetResult[OutT]:
        status, error = LETTERS[items.state.statuses[place]], None
        text = item.reply or ""
        if item.reply is None:
            text = await content.text(self._requests, item.session, item.reply_seq)
        if status == "failed" and item.error is None:
            error = await self._failure(item.session)  # it had no turn
        opened = items.state.opened
        return result_of(
            item,
            status,
            int(items.state.attempts[place]),
            text=text,
            output=self._output,
            structured=opened is not None and opened.structured,
            error=error,
        )

    async def _failure(self, session: str) -> HoldfastError | None:
        try:
            result: TaskResult = await self._requests.result(session, self._requests.timeout)
        except HoldfastError as error:
            return error
        return None if result.last is None else HoldfastError(f"{session} has ended")

    async def _items(self) -> FleetItems:
        return await self._requests.query(self._id, "items", None, FleetItems)
