"""Validators of the session's updates. Each raises the error that the client receives.

A refused update leaves nothing in the history.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.limits import (
    INLINE_TEXT,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_MESSAGES,
    MAX_WAITERS,
)
from holdfast_workflows.contracts.operations.debugging import SetDebug
from holdfast_workflows.contracts.session.session import Message
from holdfast_workflows.contracts.text.unicode import size

from .state import budget_limits as limits
from .state import debug_mode
from .state.state import SessionState

_MAX_STEERING = 20

_MOST = 1_000_000_000_000
"""The highest value of a budget limit."""

_MOST_DOLLARS = 1_000_000_000
"""The highest value in dollars; accounts count in millionths of a dollar."""


def message(state: SessionState, given: Message) -> None:
    """Check a message; one with an id seen before is accepted again."""
    if given.id in state.seen:
        return
    if state.closing or state.ended or (state.start.mode == "task" and state.seen):
        raise refused(closed(state))
    if len(state.queue) >= MAX_QUEUED_MESSAGES or state.queue_weight > MAX_QUEUED_BYTES:
        raise refused(
            errors.QueueFull(
                f"{len(state.queue)} messages with {state.queue_weight:,} bytes are queued; the limit is "
                f"{MAX_QUEUED_MESSAGES} messages or {MAX_QUEUED_BYTES:,} bytes"
            )
        )
    if not given.ref and size(given.text) > INLINE_TEXT:
        raise refused(errors.MessageTooLarge("long messages are stored first and sent by reference"))
    if state.policy(given) == "reject" and (state.running or state.queue):
        raise refused(errors.SessionBusy())


def wait(state: SessionState, turn: int, *, waiters: int, continuing: bool) -> None:
    """Check a wait for a turn by update; a refused client polls the turn by query."""
    if waiters >= MAX_WAITERS:
        raise refused(errors.SessionBusy("too many clients wait for turns; try again shortly"))
    if continuing or state.paused or state.inbox or state.waits:
        # These may last, and every update is written to the history; queries are not.
        raise refused(errors.SessionBusy("the session is paused or waits; poll the turn by query"))
    if not 1 <= turn <= state.turns:
        raise refused(errors.NothingToDo(f"there is no turn {turn}"))


def steering(state: SessionState, text: str) -> None:
    """Check steering of the running turn."""
    if state.running is None:
        raise refused(errors.NothingToDo("no turn is running; send a message instead"))
    if size(text) > INLINE_TEXT:
        raise refused(errors.MessageTooLarge(f"steering is at most {INLINE_TEXT:,} bytes"))
    if len(state.steering) >= _MAX_STEERING:
        raise refused(errors.QueueFull(f"{_MAX_STEERING} texts wait for the next step"))


def pausing(state: SessionState, *, paused: bool) -> None:
    """Check a pause or resume.

    Both are allowed while the session closes; otherwise a paused one could never end.
    """
    if state.ended:
        raise refused(closed(state))
    if state.paused == paused:
        raise refused(
            errors.NothingToDo("the session is paused already" if paused else "the session is not paused")
        )


def cancelling(state: SessionState) -> None:
    """Check the cancellation of a turn."""
    if state.running is None:
        raise refused(errors.NothingToDo("no turn is running"))


def closing(state: SessionState, idle_after: int | None = None) -> None:
    """Check a close; with ``idle_after``, that the session has been idle since that turn."""
    if state.ended or state.closing:
        raise refused(closed(state))
    if idle_after is not None and (state.status != "idle" or state.turns != idle_after or state.handover):
        raise refused(errors.SessionBusy("it is not idle, or another message has arrived"))


def repinning(state: SessionState) -> None:
    """Check a change of the spec."""
    if state.ended:
        raise refused(closed(state))
    if state.spec is None:
        raise refused(errors.NothingToDo("the session is starting, with the newest spec"))


def debugging(state: SessionState, given: SetDebug) -> None:
    """Check a request to turn debug mode on or off."""
    if state.ended:
        raise refused(closed(state))
    if not given.seconds and not debug_mode.until(state):
        raise refused(errors.NothingToDo("debug mode of the session is off already"))


def raising(state: SessionState, by: RaiseBudget) -> None:
    """Check a budget raise; only limits that are set can be raised."""
    if state.ended:
        raise refused(closed(state))
    wanted = limits.wanted(by)
    if not wanted:
        raise refused(errors.NothingToDo("no limit is raised; give a positive amount for at least one"))
    # Comparisons with NaN are false, so it is refused here too.
    if not all(0 < getattr(by, name) <= _MOST for name in wanted):
        raise refused(errors.BadInput(f"a budget is raised by more than 0 and at most {_MOST:,}"))
    unset = [name for name in wanted if limits.limit(state.budget, name) is None]
    if unset:
        raise refused(errors.NothingToDo(f"no limit is set for {', '.join(unset)}"))
    for name in wanted:
        most = _MOST_DOLLARS if name == "dollars" else _MOST
        if (limits.limit(state.budget, name) or 0) + getattr(by, name) > most:
            raise refused(errors.BadInput(f"a budget is at most {most:,} {name}"))


def closed(state: SessionState) -> errors.SessionClosed:
    """The error for a session that has ended or is closing; a failed task includes its own error."""
    error = state.failed.error if state.failed else None
    return errors.SessionClosed(f"{workflow.info().workflow_id} failed: {error.message}" if error else "")


def refused(error: errors.HoldfastError) -> ApplicationError:
    """Return an error as the failure that refuses an update."""
    return errors.to_failure(error)
