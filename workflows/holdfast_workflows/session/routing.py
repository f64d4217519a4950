"""The choice of a session's agent, for sessions that were started with a route."""

from temporalio import workflow

from holdfast_workflows.contracts.limits import INLINE_TEXT, SHOWN_CHARS
from holdfast_workflows.contracts.session.steps import LoadInput
from holdfast_workflows.contracts.teams.routed import RouteInput, RouteResult
from holdfast_workflows.contracts.teams.routing import Route
from holdfast_workflows.contracts.text.unicode import preview, size

from .state import activity_calls, waiting
from .state.state import SessionState

_PLACE = 0
"""The number of the wait for a place; steps and calls count from 1."""

_USUAL = 3
"""The priority of sessions that were started without one."""


async def choose(state: SessionState, route: Route, load: LoadInput) -> None:
    """Choose the session's agent. While every agent is busy, wait for a place.

    Raises:
        HoldfastError: No agent can serve the session.
    """
    message = state.start.message or (state.queue[0][1] if state.queue else None)
    text = message.text if message else ""
    ask = RouteInput(
        about=f"{_about(route)}: {preview(text, SHOWN_CHARS)}",
        load=load,
        route=route,
        text=text if size(text) <= INLINE_TEXT else "",
        ref=message.ref if message else "",
        priority=workflow.info().priority.priority_key or _USUAL,
        since=workflow.time(),
    )
    while True:
        state.place_free = False
        result = await activity_calls.route(ask, state.start.heartbeat_timeout)
        if result.agent:
            break
        await _wait(state, result)
        ask = ask.model_copy(
            update={"asked": ask.asked + 1, "known": result.model_copy(update={"ranking": ()})}
        )
    # The route is not needed any more: after a continue-as-new the session has its agent.
    state.start = state.start.model_copy(update={"agent": result.agent, "route": None})
    state.others = result.others
    state.emit("routed", _reasons(result), at=(state.turns, 0), name=result.agent, status=result.by)


async def _wait(state: SessionState, result: RouteResult) -> None:
    if result.position:
        reason = f"every agent is busy; number {result.position} of the requests that wait"
    else:
        reason = f"no worker serves an agent for it: {'; '.join(result.excluded)}"
    if state.waits.get(_PLACE) != reason:
        state.waits[_PLACE] = reason
        state.emit("waiting", reason, at=(state.turns, 0), status="agent")
        waiting.show(state)
    try:
        await waiting.wait_until(lambda: state.place_free, result.wait, f"waiting: {reason}")
    finally:
        del state.waits[_PLACE]


def _about(route: Route) -> str:
    return ", ".join((*route.capabilities, *filter(None, (route.router,)))) or "any agent"


def _reasons(result: RouteResult) -> str:
    """The ranking, with what was expected of each agent."""
    needed = ", ".join(result.capabilities)
    ranked = [f"{each.agent} {each.seconds:.1f} s ({each.why})" for each in result.ranking]
    return "; ".join((*([f"needs {needed}"] if needed else []), *ranked, *result.excluded))
