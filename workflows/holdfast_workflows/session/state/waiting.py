"""Waiting: for a person's decision, and on a timer for what cannot be asked now."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio import workflow

from holdfast_workflows.contracts.effects import Decision, PendingDecision
from holdfast_workflows.contracts.steps import Wait

from . import current_details, search_attributes
from .state import SessionState

_BRIEF = 5.0
"""Seconds up to which a park is not worth an event for the session's status."""

_LINE = 60


async def decision(
    state: SessionState, waiting: PendingDecision, ready: Callable[[], bool], *, seconds: float | None = None
) -> Decision | None:
    """Wait for a person; None when the turn is cancelled, ``ready`` says so or the time is up."""
    state.wait_for_decision(waiting.model_copy(update={"since": workflow.time()}))
    state.emit("needs_person", waiting.what, name=waiting.kind, call_id=waiting.id)
    _shown(state)
    with suppress(TimeoutError):
        await workflow.wait_condition(
            lambda: waiting.id in state.decisions or state.cancelled or ready(),
            timeout=None if seconds is None else timedelta(seconds=seconds),
            timeout_summary=None if seconds is None else _summary("waits for a person", waiting.what),
        )
    decided = state.take_decision(waiting.id)
    _shown(state)
    return decided


async def resumed(state: SessionState) -> None:
    """Let nothing go on while the session is paused; a cancelled turn goes on to its end."""
    if state.paused:
        await workflow.wait_condition(lambda: not state.paused or state.cancelled)


async def resumed_after(state: SessionState) -> None:
    """The same after somebody's word, which does not end a pause that was asked for meanwhile."""
    if state.paused:
        state.pause_clock()
        await resumed(state)
        state.resume_clock()


async def wait(
    state: SessionState, seq: int, reason: Wait, seconds: float, ready: Callable[[], bool]
) -> float:
    """Wait on a durable timer, or until ``ready`` says so; how long it was in seconds."""
    began = workflow.time()
    if reason.nap is None:
        until = datetime.fromtimestamp(began + seconds, UTC)
        state.waits[seq] = f"{reason.reason}; until {until:%Y-%m-%d %H:%M:%S} UTC"
    else:  # the reason says until when, the same after each nap
        seconds = min(seconds, reason.nap)
        state.waits[seq] = reason.reason
    if not _repeats_last_event(state, reason.reason):
        state.emit("waiting", reason.reason, status=reason.kind)
    _shown(state, attribute=seconds > _BRIEF)
    with suppress(TimeoutError):
        await workflow.wait_condition(
            ready, timeout=timedelta(seconds=seconds), timeout_summary=_summary("waiting", reason.reason)
        )
    del state.waits[seq]
    _shown(state, attribute=seconds > _BRIEF)
    return workflow.time() - began


def _shown(state: SessionState, *, attribute: bool = True) -> None:
    if attribute:
        search_attributes.at_control(state)
    workflow.set_current_details(current_details.render(state))


def _summary(what: str, why: str) -> str:
    """A timer's summary, which the Temporal UI shows on one line, of a long one only the end."""
    whole = f"{what}: {why}"
    return whole if len(whole) <= _LINE else whole[: _LINE - 1] + "…"


def _repeats_last_event(state: SessionState, reason: str) -> bool:
    """Whether the last event reports the same wait of the running turn."""
    last = state.events[-1] if state.events else None
    return last is not None and (last.kind, last.turn, last.text) == ("waiting", state.turn.turn, reason)
