"""How a turn ends: what is said of it, and an error with an id that people can quote."""

from temporalio import workflow

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.problems import Problem, problem_of
from holdfast_workflows.contracts.session import TurnView
from holdfast_workflows.contracts.steps import StepView, TurnStatus
from holdfast_workflows.contracts.text import size

from ..background import remember
from ..state import current_details
from ..state.state import SessionState


def failing(state: SessionState, error: errors.HoldfastError) -> None:
    """The running turn is going to end with an error: give it its id, once, and log it."""
    if isinstance(error, errors.TurnCancelled):
        state.change(ending="cancelled", problem=problem_of(error))
        return
    found = problem_of(error).model_copy(update={"id": workflow.uuid4().hex[:12]})
    state.change(ending="failed", problem=found, reply=_filled(state.turn.reply, found))
    workflow.logger.error("turn %d failed, error %s: %s", state.turn.turn, found.id, found.message)


def end(state: SessionState, last: StepView | None) -> None:
    """The running turn is over: done, unless it was said to be ending otherwise."""
    turn = state.turn
    status: TurnStatus = turn.ending or "done"
    instead = turn.reply if turn.ending == "failed" else ""
    step = (
        StepView(seq=0, finish="stop", text=instead, size=size(instead)) if instead or last is None else last
    )
    found = turn.problem if turn.ending else None
    view = TurnView(
        turn=turn.turn,
        status=status,
        request=turn.request,
        reply=step.text,
        reply_seq=step.seq,
        reply_size=step.size,
        steps=turn.step,
        usage=turn.usage,
        error=found,
        started=turn.started,
        ended=workflow.time(),
    )
    state.usage = state.usage + turn.usage
    state.spending = state.spending.model_copy(update={"seconds": state.seconds})
    state.running = None
    state.recent.append(view)
    remember.note(state, turn, status)
    state.emit(
        "turn_ended",
        found.message if found else view.reply,
        at=(turn.turn, turn.step),
        seq=view.reply_seq,
        size=view.reply_size,
        status=status,
        usage=turn.usage,
    )
    workflow.set_current_details(current_details.render(state))


def _filled(text: str, found: Problem) -> str:
    """The agent's words to its user, with the error's id and when trying again may help."""
    if found.retry_after:
        hint = f"Please try again in {max(1, round(found.retry_after)):,} seconds."
    else:
        hint = "Please try again later." if found.retryable else ""
    return text.replace("{id}", found.id).replace("{retry}", hint).strip()
