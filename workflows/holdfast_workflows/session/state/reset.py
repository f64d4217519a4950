"""What a reset of the session's workflow asks for: nothing beyond its point may be taken for this run's.

The server gives a run that is reset another random seed, at that place of its history; so a replay
sees the reset where it was. Before the session takes a number again, what the old run wrote is set aside.
"""

from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts.resets import AsideInput

from . import activity_calls
from .state import SessionState

_LATE = 2.0
"""How many times the time after which a silent call counts as lost a call of the old run may still write."""


def watch(state: SessionState) -> None:
    """Have the state know of resets from now on."""

    def reseeded(_: int) -> None:
        state.resets_seen += 1

    workflow.register_random_seed_callback(reseeded)


async def follow(state: SessionState) -> None:
    """Set aside what each reset has left behind, as long as the run lasts."""
    while True:
        # Met when all that came together with a reset is taken in: the history has it from before its point.
        await workflow.wait_condition(lambda: state.reset)
        await _set_aside(state)
        try:
            await workflow.wait_condition(
                lambda: state.reset,
                timeout=timedelta(seconds=_LATE * state.start.heartbeat_timeout),
                timeout_summary="calls of the run that was reset may still end",
            )
        except TimeoutError:
            await _sweep(state)


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
        # Only where this run is the session's no longer: what it writes now counts for nobody.
        workflow.logger.error("what a reset left behind was not set aside: %s", error.cause)
    else:
        state.go_on_after_reset(result, request.seq)
    state.resets_done, state.calls_open = seen, ()


async def _sweep(state: SessionState) -> None:
    """Remove what calls of the old run have written since; they have been told by now that nobody waits for them."""
    if not state.abandoned:
        return
    start, stop = state.abandoned[-1]
    request = AsideInput(session=workflow.info().workflow_id, seq=start, turn=0, stop=stop)
    try:
        await activity_calls.set_aside(request, state.start.heartbeat_timeout)
    except ActivityError as error:
        workflow.logger.warning("what was written late was not removed: %s", error.cause)


async def settled(state: SessionState, calls_open: Sequence[int] = ()) -> None:
    """After a reset: wait until what the old run wrote is out of the way.

    Args:
        state: The session's state.
        calls_open: Numbers of calls that are about to be made, with results that an old run may have written.
    """
    if state.reset:
        state.calls_open = (*state.calls_open, *calls_open)
        await workflow.wait_condition(lambda: not state.reset)


async def before_message(state: SessionState) -> None:
    """Wait until it is known which turns the old run had: none of their numbers is given to another message.

    Messages of the old run that the server applies again come with the reset, and keep theirs.
    """
    if state.resets_past == state.resets_seen:
        await settled(state)


def is_stale(state: SessionState, seen: int) -> bool:
    """Whether what was asked for when ``seen`` resets were known has come after another."""
    return seen < state.resets_past


def _first_open_turn(state: SessionState) -> int:
    waiting = [turn for turn, _ in state.queue]
    return min([*waiting, *([state.running.turn] if state.running else []), state.turns + 1])
