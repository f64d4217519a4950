"""A fork: a session that begins in the middle of a turn, with the state that another session had there."""

from temporalio import workflow

from holdfast_workflows.contracts.evaluation.forks import Fork, ForkSource
from holdfast_workflows.contracts.session.session import TurnState

from ..state import SessionState


def begin(state: SessionState, fork: Fork) -> None:
    """Take over the turn before the step that is taken again."""
    source = fork.source
    state.seq, state.turns, state.summary = source.seq, source.turn, fork.summary
    state.untrusted, state.called = fork.untrusted, dict(fork.called)
    state.running = TurnState(
        turn=source.turn,
        step=fork.step - 1,
        request=fork.request,
        started=workflow.time(),
        start=fork.start,
        recalled=True,
        called=dict(fork.called_in_turn),
    )
    state.emit("turn_started", fork.request)


def source_of(state: SessionState) -> ForkSource | None:
    """Return where a fork's recorded results are; None for other sessions."""
    return state.start.fork.source if state.start.fork else None
