"""Waits of a session: on a timer, and while it is paused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio import workflow

from holdfast_workflows.contracts.session.steps import Wait

from .reporting import actions, current_details, search_attributes
from .state import SessionState

_BRIEF = 5.0
"""Seconds up to which a wait does not change the search attribute for the status, which costs an event."""

_SUMMARY_CHARS = 60
"""Characters of a timer's summary. Of a longer one the Temporal UI shows only the end."""


async def wait_until(ready: Callable[[], bool], seconds: float | None, summary: str) -> bool:
    """Wait until ``ready`` is true, at most ``seconds``, and return whether it became true in time."""
    try:
        if seconds is None:
            await workflow.wait_condition(ready)
        else:
            actions.count()
            await workflow.wait_condition(
                ready, timeout=timedelta(seconds=seconds), timeout_summary=_shorten(summary)
            )
    except TimeoutError:
        return False
    return True


async def resumed(state: SessionState, *, or_ready: Callable[[], bool] = lambda: False) -> None:
    """Wait while the session is paused, until it is resumed, the turn is cancelled or ``or_ready`` is true."""
    if state.paused:
        await workflow.wait_condition(lambda: not state.paused or state.cancelled or or_ready())


async def resumed_off_clock(state: SessionState, *, or_ready: Callable[[], bool] = lambda: False) -> None:
    """Wait like ``resumed`` without counting the time as the turn's own."""
    if state.paused:
        state.pause_clock()
        await resumed(state, or_ready=or_ready)
        state.resume_clock()


async def on_timer(
    state: SessionState, seq: int, wait: Wait, seconds: float, ready: Callable[[], bool]
) -> float:
    """Wait on a durable timer or until ``ready`` is true; return the seconds waited."""
    started = workflow.time()
    if wait.nap is None:
        until = datetime.fromtimestamp(started + seconds, UTC)
        state.waits[seq] = f"{wait.reason}; until {until:%Y-%m-%d %H:%M:%S} UTC"
    else:  # the reason names the time, which is the same after each nap
        seconds = min(seconds, wait.nap)
        state.waits[seq] = wait.reason
    if not _repeats_last_event(state, wait.reason):
        state.emit("waiting", wait.reason, status=wait.kind)
    show(state, attribute=seconds > _BRIEF)
    await wait_until(ready, seconds, f"waiting: {wait.reason}")
    del state.waits[seq]
    state.timeline.wait_ended(wait.reason, workflow.time())
    show(state, attribute=seconds > _BRIEF)
    return workflow.time() - started


def show(state: SessionState, *, attribute: bool = True) -> None:
    """Update the current details, and the search attributes if they have changed."""
    if attribute:
        search_attributes.status(state)
    workflow.set_current_details(current_details.render(state))


def _shorten(summary: str) -> str:
    return summary if len(summary) <= _SUMMARY_CHARS else summary[: _SUMMARY_CHARS - 1] + "…"


def _repeats_last_event(state: SessionState, reason: str) -> bool:
    """Whether the last event reports the same wait of the running turn."""
    last = state.events[-1] if state.events else None
    return last is not None and (last.kind, last.turn, last.text) == ("waiting", state.turn.turn, reason)
