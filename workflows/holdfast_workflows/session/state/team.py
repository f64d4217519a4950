"""The session's child sessions: those that run, and totals of those that ended."""

from temporalio import workflow

from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.views import ChildView, TeamView

from .reporting import current_details
from .state import SessionState


def started(state: SessionState, id: str, agent: str, text: str, seq: int) -> None:
    """Note a child session of the call at ``seq``."""
    team, child = (
        state.team or TeamView(),
        ChildView(session=id, agent=agent, text=text, since=workflow.time()),
    )
    state.team = team.model_copy(update={"running": (*team.running, child)})
    state.emit("child_started", text, seq=seq, name=agent, session=id)
    workflow.set_current_details(current_details.render(state))


def ended(state: SessionState, outcome: ChildOutcome, used: TeamView | None, seq: int) -> None:
    """Note the end of a child session; ``used`` counts itself and its own children, None if that is not known."""
    team = state.team or TeamView()
    since = next((each.since for each in team.running if each.session == outcome.id), workflow.time())
    gone = used or TeamView(ended=1, uncounted=1)
    state.team = TeamView(
        running=tuple(each for each in team.running if each.session != outcome.id),
        ended=team.ended + gone.ended,
        usage=team.usage + gone.usage,
        uncounted=team.uncounted + gone.uncounted,
    )
    state.emit(
        "child_ended",
        outcome.error,
        seq=seq,
        name=outcome.agent,
        session=outcome.id,
        status=outcome.status,
        usage=gone.usage,
        seconds=round(workflow.time() - since, 3),
    )
    workflow.set_current_details(current_details.render(state))
