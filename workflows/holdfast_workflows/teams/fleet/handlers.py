"""Handlers that control a fleet."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.control.access import Owner
from holdfast_workflows.contracts.control.assertions import SignedStart
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.teams.fleets import FleetItems, FleetReport
from holdfast_workflows.contracts.text.unicode import preview

from ...inputs import UnknownNames
from ...session.principal import actor
from .state import Fleet

_MOST = 1_000_000_000


class FleetHandlers(UnknownNames):
    """The part of ``FleetWorkflow`` that clients control it by."""

    def __init__(self, fleet: Fleet, signed: SignedStart | None) -> None:
        self._fleet = fleet
        self._signed = signed

    @property
    def principal(self) -> Principal | None:
        """Who started the fleet; None without an identity provider."""
        return self._fleet.opened.parent.principal if self._fleet.opened else None

    @property
    def owner(self) -> Owner | None:
        """The fleet's owner; None before its start has been verified."""
        opened = self._fleet.opened
        return (opened.tenant, opened.user) if opened else None

    @property
    def unverified(self) -> tuple[SignedStart, Owner] | None:
        """The start, with the owner that it claims, until it has been verified."""
        start = self._fleet.start
        return (self._signed, (start.tenant, start.user)) if self._signed else None

    @workflow.query(description="How far the fleet is.")
    def report(self) -> FleetReport:
        """Return the report."""
        return self._fleet.report()

    @workflow.query(description="The state of each item.")
    def items(self) -> FleetItems:
        """Return what results are read by."""
        return self._fleet.items()

    @workflow.update(description="Start no further items; those that run continue.")
    def pause(self, reason: str = "") -> FleetReport:
        """Pause the fleet."""
        self._fleet.paused = preview(reason) or f"by {actor() or 'request'}"
        return self._show()

    @pause.validator
    def _validate_pause(self, reason: str = "") -> None:
        self._expect_open()
        if self._fleet.paused:
            raise _refused(errors.NothingToDo("the fleet is paused already"))

    @workflow.update(description="Continue after a pause.")
    def resume(self) -> FleetReport:
        """Start items again."""
        self._fleet.paused = self._fleet.spent = ""
        return self._show()

    @resume.validator
    def _validate_resume(self) -> None:
        self._expect_open()
        if not self._fleet.waits:
            raise _refused(errors.NothingToDo("the fleet is not paused"))

    @workflow.update(description="Try the failed items again.")
    def retry_items(self) -> FleetReport:
        """Make the failed items pending again."""
        self._fleet.retry()
        return self._show()

    @retry_items.validator
    def _validate_retry_items(self) -> None:
        self._expect_open()
        if not self._fleet.retryable():
            raise _refused(errors.NothingToDo("no item has failed with attempts left"))

    @workflow.update(description="Start no further items and cancel those that run.")
    def cancel_fleet(self, reason: str = "") -> FleetReport:
        """Cancel the fleet; it ends when the last session has ended."""
        self._fleet.cancel()
        return self._show()

    @cancel_fleet.validator
    def _validate_cancel_fleet(self, reason: str = "") -> None:
        self._expect_open()

    @workflow.update(description="Raise the budget that all items share.")
    def raise_budget(self, by: RaiseBudget) -> FleetReport:
        """Raise limits that are set; a fleet that waits for it continues."""
        fleet = self._fleet
        assert fleet.budget is not None
        changes = {
            name: getattr(fleet.budget, name) + added
            for name in ("tokens", "dollars")
            if (added := getattr(by, name))
        }
        fleet.budget = fleet.budget.model_copy(update=changes)
        fleet.spent = ""
        return self._show()

    @raise_budget.validator
    def _validate_raise(self, by: RaiseBudget) -> None:
        self._expect_open()
        wanted = {name: added for name in ("tokens", "dollars") if (added := getattr(by, name))}
        if not wanted or not all(0 < added <= _MOST for added in wanted.values()):
            raise _refused(errors.BadInput(f"a fleet's tokens or dollars are raised by 1 to {_MOST:,}"))
        if any(getattr(self._fleet.budget, name, None) is None for name in wanted):
            raise _refused(errors.NothingToDo(f"no limit is set for {', '.join(wanted)}"))

    def _show(self) -> FleetReport:
        workflow.set_current_details(self._fleet.details())
        return self._fleet.report()

    def _expect_open(self) -> None:
        if self._fleet.ended or self._fleet.cancelled:
            raise _refused(errors.SessionClosed("the fleet has ended or is being cancelled"))


def _refused(error: errors.HoldfastError) -> ApplicationError:
    return errors.to_failure(error)
