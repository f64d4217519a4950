"""Handle a reset of the workflow: set aside what the old run wrote after the reset point.

The server gives a reset run another random seed at that point of its history, so a replay sees the reset
at the same place. The old run's writes are set aside before the session uses a sequence number again.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.operations.resets import AsideInput

from ....teams import child_sessions
from .. import activity_calls
from ..state import SessionState
from ..waiting import wait_until

_LATE = 2.0
"""For how many heartbeat timeouts calls of the old run may still write."""


def watch(state: SessionState) -> None:
    """Count resets in the state from now on."""

    def reseeded(_: int) -> None:
        state.resets_seen += 1

    workflow.register_random_seed_callback(reseeded)


async def follow(state: SessionState) -> None:
    """Set aside the old run's writes after each reset, until this run ends."""
    while True:
        # Handlers of messages that are replayed with a reset run before this condition is checked.
        await workflow.wait_condition(lambda: state.reset)
        await _set_aside(state)
        seconds = _LATE * state.start.heartbeat_timeout
        if not await wait_until(
            lambda: state.reset, seconds, "calls of the run that was reset may still end"
        ):
            await _sweep(state)
            await workflow.wait_condition(lambda: state.running is None or state.reset)
            await cancel_orphans(state)


async def cancel_orphans(state: SessionState) -> None:
    """Cancel children of the old run that no call of this run has waited for. Call it when no turn runs."""
    if state.orphans and not state.reset:
        state.orphans = False
        await child_sessions.cancel_orphans()


async def _set_aside(state: SessionState) -> None:
    state.resets_past = seen = state.resets_seen
    request = AsideInput(
        session=workflow.info().workflow_id,
        seq=state.seq,
        turn=_first_open_turn(state),
        open=state.calls_open,
    )
    try:
        result = await activity_calls.set_aside(request, state.start.heartbeat_timeout)
    except ActivityError as error:
        # Only if this run was replaced; its later writes are ignored.
        workflow.logger.error("the writes of the old run were not set aside: %s", error.cause)
    else:
        state.go_on_after_reset(result, request.seq)
    state.resets_done, state.calls_open = seen, ()
    state.orphans = state.spec is not None and state.spec.delegates


async def _sweep(state: SessionState) -> None:
    """Remove late writes of calls of the old run; they are cancelled by now."""
    if not state.abandoned:
        return
    start, stop = state.abandoned[-1]
    request = AsideInput(session=workflow.info().workflow_id, seq=start, turn=0, stop=stop)
    try:
        await activity_calls.set_aside(request, state.start.heartbeat_timeout)
    except ActivityError as error:
        workflow.logger.warning("late writes of the old run were not removed: %s", error.cause)


async def settled(state: SessionState, calls_open: Sequence[int] = ()) -> None:
    """After a reset, wait until the old run's writes are set aside.

    ``calls_open`` are calls about to be made whose results the old run may have written.
    """
    if state.reset:
        state.calls_open = (*state.calls_open, *calls_open)
        await workflow.wait_condition(lambda: not state.reset)


def expect_content(state: SessionState) -> None:
    """Raise ContentRemoved if retention has removed what the session needs."""
    if state.removed:
        raise errors.ContentRemoved(state.removed)


async def before_message(state: SessionState) -> None:
    """Wait until the old run's turn numbers are known, so that a new message does not reuse one.

    Messages that the server replays with the reset keep their numbers.
    """
    if state.resets_past == state.resets_seen:
        await settled(state)


def is_stale(state: SessionState, seen: int) -> bool:
    """Whether a reset happened since ``seen`` resets were known."""
    return seen < state.resets_past


def _first_open_turn(state: SessionState) -> int:
    waiting = [turn for turn, _ in state.queue]
    return min([*waiting, *([state.running.turn] if state.running else []), state.turns + 1])
