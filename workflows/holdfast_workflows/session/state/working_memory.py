"""Working memory: the agent's plan and notes, from its last calls of the tools for them."""

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.agent.memory import PlanItem
from holdfast_workflows.contracts.session.steps import CallView

from .state import SessionState


def take(state: SessionState, call: CallView, status: str) -> None:
    """Update the plan or the notes from a settled call."""
    if state.spec is None or not state.spec.working_memory or status != "ok":
        return
    try:
        if call.name == names.UPDATE_PLAN:
            state.plan = builtin_tools.PLAN.read(call.arguments).items
            _emit(state, call, progress(state.plan))
        elif call.name == names.WRITE_NOTES:
            state.notes = builtin_tools.NOTES.read(call.arguments).text
            _emit(state, call, "notes written" if state.notes else "notes cleared")
    except (ValueError, RecursionError):
        # The tool has validated them, but a worker of another build may have other limits.
        return


def progress(plan: tuple[PlanItem, ...]) -> str:
    """Summarize a plan's progress in one line."""
    if not plan:
        return "no plan"
    done = sum(item.status in {"done", "dropped"} for item in plan)
    doing = next((item.text for item in plan if item.status == "doing"), "")
    return f"{done} of {len(plan)} done" + (f"; now: {doing}" if doing else "")


def _emit(state: SessionState, call: CallView, text: str) -> None:
    state.emit("plan", text, seq=call.seq, name=call.name)
