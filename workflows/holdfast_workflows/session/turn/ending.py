"""The end of a turn: its view, and an error with an id that users can quote."""

from temporalio import workflow

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.problems import Problem, problem_of
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.session.steps import StepView, TurnStatus
from holdfast_workflows.contracts.text.unicode import size

from ..background import remember
from ..state.reporting import current_details, metrics
from ..state.state import SessionState


def fail(state: SessionState, error: errors.HoldfastError) -> None:
    """Mark the running turn as failed or cancelled; give a failure its id and log it."""
    if isinstance(error, errors.TurnCancelled):
        state.change(ending="cancelled", problem=problem_of(error))
        return
    problem = problem_of(error).model_copy(update={"id": workflow.uuid4().hex[:12]})
    state.change(ending="failed", problem=problem, reply=_fill(state.turn.reply, problem))
    workflow.logger.error("turn %d failed, error %s: %s", state.turn.turn, problem.id, problem.message)


def end(state: SessionState, last: StepView | None) -> None:
    """End the running turn: done, unless it was marked otherwise."""
    turn = state.turn
    status: TurnStatus = turn.ending or "done"
    error_reply = turn.reply if turn.ending == "failed" else ""
    step = (
        StepView(seq=0, finish="stop", text=error_reply, size=size(error_reply))
        if error_reply or last is None
        else last
    )
    problem = turn.problem if turn.ending else None
    view = TurnView(
        turn=turn.turn,
        status=status,
        request=turn.request,
        reply=step.text,
        reply_seq=step.seq,
        reply_size=step.size,
        steps=turn.step,
        usage=turn.usage,
        error=problem,
        started=turn.started,
        ended=workflow.time(),
        structured=state.spec is not None and state.spec.has_output,
        by=turn.by,
    )
    state.usage = state.usage + turn.usage
    metrics.turn_ended(state, status, problem)
    state.inbox.clear()
    state.spending = state.spending.model_copy(update={"seconds": state.seconds})
    state.running = None
    state.recent.append(view)
    remember.note(state, turn, status)
    state.emit(
        "turn_ended",
        problem.message if problem else view.reply,
        at=(turn.turn, turn.step),
        seq=view.reply_seq,
        size=view.reply_size,
        status=status,
        usage=turn.usage,
    )
    workflow.set_current_details(current_details.render(state))


def _fill(text: str, problem: Problem) -> str:
    """Fill in the agent's error reply: the error's id and when to try again."""
    if problem.retry_after:
        hint = f"Please try again in {max(1, round(problem.retry_after)):,} seconds."
    else:
        hint = "Please try again later." if problem.retryable else ""
    return text.replace("{id}", problem.id).replace("{retry}", hint).strip()
