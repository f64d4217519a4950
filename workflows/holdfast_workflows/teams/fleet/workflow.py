"""The fleet workflow: run method, continue-as-new and end."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.teams.fleets import FleetReport, FleetStart, OpenFleet

from ...inputs import start_input
from ...session.principal import signed_start
from .handlers import FleetHandlers
from .items import Items, open_fleet
from .state import Fleet

_ENDING = timedelta(seconds=10)
"""How long a run that is about to continue as new waits for sessions that end soon. The next run must look for the
others, which costs more events and takes longer."""


@workflow.defn(name=names.FLEET_WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class FleetWorkflow(FleetHandlers):
    """One agent over many items, each in a child session that outlives a run of this workflow."""

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Create the state before the first handler runs."""
        self._failure: ApplicationError | None = None
        continued = bool(workflow.info().continued_run_id)
        try:
            start = start_input(FleetStart, given)
        except ApplicationError as error:
            start, self._failure = FleetStart(), error
        if not continued and start.carry is not None:
            # A retry after the end: who starts it is checked again.
            start = start.model_copy(update={"carry": start.carry.model_copy(update={"opened": None})})
        super().__init__(Fleet(start), None if continued else signed_start(start))
        if not self._failure and not (self._fleet.whole and start.chunks):
            self._failure = errors.to_failure(errors.BadInput("a fleet has at least one item"))
        self._items = Items(self._fleet)

    @workflow.run
    async def run(self, *given: Any) -> FleetReport:
        """Run every item. Takes one ``FleetStart``."""
        if self._failure is not None:
            raise self._failure
        following = asyncio.create_task(self._items.follow())
        try:
            await self._open()
            await self._run_items()
        except errors.HoldfastError as error:
            raise errors.to_failure(error) from error
        except asyncio.CancelledError:
            self._fleet.cancel()
            await self._cancel()
            await self._end(following)
            raise
        return await self._end(following)

    async def _open(self) -> None:
        fleet, start = self._fleet, self._fleet.start
        workflow.set_current_details(fleet.details())
        if fleet.opened is not None:
            return
        request = OpenFleet(
            session=fleet.fleet,
            agent=start.agent,
            tenant=start.tenant,
            user=start.user,
            identity=self._signed,
            settings=(start.budget, start.max_steps) != (None, None),
            output=start.output is not None,
        )
        fleet.opened = await open_fleet(request)

    async def _run_items(self) -> None:
        fleet, items = self._fleet, self._items
        while fleet.count("pending") or fleet.count("running"):
            await workflow.wait_condition(lambda: self._may_start() or self._due() or self._nothing_left())
            if fleet.cancelled:
                return await self._cancel()
            if self._due():
                await self._continue_as_new()
            elif self._may_start():
                await items.start_some()
        return None

    def _may_start(self) -> bool:
        fleet = self._fleet
        return bool(not fleet.waits and fleet.count("pending") and self._items.free() > 0)

    def _nothing_left(self) -> bool:
        return self._fleet.cancelled or not (self._fleet.count("pending") or self._fleet.count("running"))

    def _due(self) -> bool:
        info, limit = workflow.info(), self._fleet.start.continue_as_new_after
        return info.get_current_history_length() >= limit or info.is_continue_as_new_suggested()

    async def _continue_as_new(self) -> None:
        fleet, items = self._fleet, self._items
        try:
            await workflow.wait_condition(lambda: not items.attached, timeout=_ENDING)
        except TimeoutError:
            await workflow.wait_condition(lambda: not items.starting)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not fleet.cancelled:
            workflow.continue_as_new(fleet.start.model_copy(update={"carry": fleet.carried()}))

    async def _cancel(self) -> None:
        self._items.cancel()
        await workflow.wait_condition(lambda: not self._fleet.count("running"))

    async def _end(self, following: "asyncio.Task[None]") -> FleetReport:
        following.cancel()
        await self._items.count_cancelled()
        self._fleet.ended = workflow.time()
        workflow.set_current_details(self._fleet.details())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._fleet.report()
