"""Working memory: the agent's plan and notes, as its last calls of the tools for them say."""

from holdfast_workflows.contracts import builtin_tools, names
from holdfast_workflows.contracts.memory import PlanItem
from holdfast_workflows.contracts.steps import CallView

from .state import SessionState


def take(state: SessionState, call: CallView, status: str) -> None:
    """Keep what a settled call says of the plan or the notes."""
    if state.spec is None or not state.spec.working_memory or status != "ok":
        return
    try:
        if call.name == names.UPDATE_PLAN:
            state.plan = builtin_tools.PLAN.read(call.arguments).items
            _tell(state, call, in_short(state.plan))
        elif call.name == names.WRITE_NOTES:
            state.notes = builtin_tools.NOTES.read(call.arguments).text
            _tell(state, call, "notes written" if state.notes else "notes cleared")
    except (ValueError, RecursionError):
        # The tool has checked them; one of another build may have had other bounds.
        return


def in_short(plan: tuple[PlanItem, ...]) -> str:
    """How far a plan is, in a line."""
    if not plan:
        return "no plan"
    done = sum(item.status in {"done", "dropped"} for item in plan)
    doing = next((item.text for item in plan if item.status == "doing"), "")
    return f"{done} of {len(plan)} done" + (f"; now: {doing}" if doing else "")


def _tell(state: SessionState, call: CallView, text: str) -> None:
    state.emit("plan", text, seq=call.seq, name=call.name)
