"""Prepare items, run their sessions, and find what has become of those that an earlier run has started."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError, FailureError, WorkflowAlreadyStartedError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.budget import Allowance
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Message, StartInput
from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.fleets import (
    ITEM_REF,
    FindOutcomes,
    FoundOutcomes,
    OpenedFleet,
    OpenFleet,
    PreparedItem,
    PreparedItems,
    PrepareItems,
)
from holdfast_workflows.contracts.teams.outcomes import outcome_of
from holdfast_workflows.contracts.text.unicode import preview

from .. import child_sessions
from .state import Fleet

R = TypeVar("R")

_BATCH = 50
"""Items whose messages one activity stores."""

_ASKED = 100
"""Sessions that one activity looks for."""

_SOON, _SLOWER, _LATEST = 1.0, 1.6, 30.0
"""Seconds between looks for sessions of earlier runs: at first, the factor, and at most."""

_UNTIL_THERE = RetryPolicy(
    initial_interval=timedelta(seconds=0.2),
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=["PayloadsTooLarge"],
)


async def open_fleet(request: OpenFleet) -> OpenedFleet:
    """Check the start and return what each session starts with.

    Raises:
        HoldfastError: The agent is unknown, or the principal may not start it.
    """
    return await _run(names.OPEN_FLEET, request, OpenedFleet, request.agent)


async def _run(activity: str, given: Contract, result: type[R], summary: str) -> R:
    try:
        found: R = await workflow.execute_activity(
            activity,
            given,
            result_type=result,
            start_to_close_timeout=timedelta(seconds=15),
            retry_policy=_UNTIL_THERE,
            summary=summary,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise errors.from_failure(error) or errors.HoldfastError(
            f"{activity}: {error.cause or error}"
        ) from error
    return found


class Items:
    """The sessions of a fleet's items."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._prepared: deque[tuple[int, PreparedItem]] = deque()
        self._starting: set[int] = set()
        self._handles: dict[int, child_sessions.ChildHandle] = {}
        self._adrift = fleet.of_status("running")
        self._uncounted: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def attached(self) -> int:
        """How many sessions report their end to this run."""
        return len(self._starting) + len(self._handles)

    @property
    def starting(self) -> bool:
        """Whether sessions are just being started."""
        return bool(self._starting)

    def free(self) -> int:
        """Return how many more items may run."""
        return self._fleet.start.concurrency - self._fleet.count("running")

    async def start_some(self) -> None:
        """Start as many pending items as may run, of those that are prepared."""
        if not self._prepared:
            await self._prepare()
        while self._prepared and self.free() > 0 and not (self._fleet.waits or self._fleet.cancelled):
            place, item = self._prepared.popleft()
            session = self._fleet.begin(place)
            self._starting.add(place)
            self._keep(self._run_item(place, session, item))

    async def _prepare(self) -> None:
        fleet = self._fleet
        chunk, places = fleet.following(_BATCH)
        if not places:
            return
        request = PrepareItems(
            session=fleet.fleet,
            ref=fleet.start.chunks[chunk].ref,
            items=tuple((fleet.within(chunk, place), fleet.next_session(place)) for place in places),
        )
        about = f"items {places[0] + 1:,} to {places[-1] + 1:,}"
        prepared = await _run(names.PREPARE_ITEMS, request, PreparedItems, about)
        self._prepared.extend(zip(places, prepared.items, strict=True))

    async def _run_item(self, place: int, session: str, item: PreparedItem) -> None:
        try:
            handle = await child_sessions.start(self._start(item), session, outlives=True)
        except WorkflowAlreadyStartedError:
            self._adrift.append(place)  # started by a run of the fleet that was reset
            if self._fleet.cancelled:
                self._keep(_cancel(session))
            return
        finally:
            self._starting.discard(place)
        self._handles[place] = handle
        if self._fleet.cancelled:
            handle.cancel()
        agent = self._fleet.start.agent
        try:
            outcome = outcome_of(session, agent, await handle)
        except FailureError as error:
            outcome = outcome_of(session, agent, error)
        del self._handles[place]
        self._ended(place, outcome)

    def _start(self, item: PreparedItem) -> StartInput:
        fleet, start = self._fleet, self._fleet.start
        opened, limits = fleet.opened, fleet.budget
        assert opened is not None
        parent = opened.parent
        if limits is not None:
            account = names.run_account(fleet.fleet)
            allowance = Allowance(
                account=account, tokens=limits.tokens, dollars=limits.dollars, above=True, stops=True
            )
            parent = parent.model_copy(update={"allowance": allowance})
        return StartInput(
            agent=start.agent,
            message=Message(text=preview(item.text), id=ITEM_REF, ref=ITEM_REF, size=item.size),
            tenant=opened.tenant,
            user=opened.user,
            mode="task",
            output=start.output,
            max_steps=start.max_steps,
            permissions=start.permissions,
            heartbeat_timeout=start.heartbeat_timeout,
            parent=parent,
        )

    def _ended(self, place: int, outcome: ChildOutcome) -> None:
        if outcome.status == "cancelled" and outcome.usage == Usage():
            self._uncounted.append(self._fleet.session(place))
        self._fleet.end(place, outcome)
        workflow.set_current_details(self._fleet.details())

    def cancel(self) -> None:
        """Cancel what runs. A session has ended when its calls are settled or undone."""
        self._prepared.clear()
        for handle in self._handles.values():
            handle.cancel()
        for place in self._adrift:
            self._keep(_cancel(self._fleet.session(place)))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in a task that is referenced until its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def follow(self) -> None:
        """Find the outcomes of sessions that do not report to this run, until it is cancelled."""
        while True:
            await workflow.wait_condition(lambda: bool(self._adrift))
            delay = _SOON
            while self._adrift:
                places, self._adrift = self._adrift, list[int]()
                for first in range(0, len(places), _ASKED):
                    self._adrift += await self._look(places[first : first + _ASKED])
                delay = min(delay * _SLOWER, _LATEST) if len(self._adrift) == len(places) else _SOON
                if self._adrift:
                    await workflow.sleep(delay, summary=f"{len(self._adrift)} items of an earlier run")

    async def _look(self, places: list[int]) -> list[int]:
        """Settle the items that have ended, and return the others."""
        sessions = {place: self._fleet.session(place) for place in places}
        request = FindOutcomes(session=self._fleet.fleet, sessions=tuple(sessions.values()))
        found = (await _run(names.FIND_OUTCOMES, request, FoundOutcomes, "outcomes")).outcomes
        for place, session in sessions.items():
            if session in found:
                self._ended(place, found[session])
        return [place for place, session in sessions.items() if session not in found]

    async def count_cancelled(self) -> None:
        """Add the usage of cancelled sessions, which their end does not report."""
        sessions, self._uncounted = self._uncounted, []
        for first in range(0, len(sessions), _ASKED):
            request = FindOutcomes(
                session=self._fleet.fleet, sessions=tuple(sessions[first : first + _ASKED])
            )
            found = await _run(names.FIND_OUTCOMES, request, FoundOutcomes, "usage of cancelled items")
            for outcome in found.outcomes.values():
                self._fleet.usage = self._fleet.usage + outcome.usage


async def _cancel(session: str) -> None:
    handle: workflow.ExternalWorkflowHandle[Any] = workflow.get_external_workflow_handle(session)
    try:
        await handle.cancel()
    except FailureError:  # it has just ended
        workflow.logger.info("session %s has ended already", session)
