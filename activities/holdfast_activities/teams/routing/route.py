"""``route_session``: choose the agent of a session that was started with a route."""

from collections.abc import Mapping

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.session.common.heartbeat import Heartbeat
from holdfast_activities.state.coordination.assignments import Placed, Request
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import AllAgentsBusy, to_failure
from holdfast_workflows.contracts.teams.routed import RouteInput, RouteResult
from holdfast_workflows.contracts.teams.routing import Routing

from .knowledge import Knowledge
from .needs import NeedsOfMessages
from .places import Places
from .ranking import Candidate, capable, rank

_FIRST_WAIT = 15.0
_LONGEST_WAIT = 300.0
"""Seconds after which a request that waits asks again. A signal tells it earlier that it has a place."""

_UNSERVED_WAIT = 5.0


class RouteSession:
    """The activity that routes sessions."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        identity: IdentityRequests,
        knowledge: Knowledge,
        places: Places,
        needs: NeedsOfMessages,
    ) -> None:
        self._registry = registry
        self._state = state
        self._identity = identity
        self._knowledge = knowledge
        self._places = places
        self._needs = needs

    @activity.defn(name=names.ROUTE_SESSION)
    @reports_failures
    async def route_session(self, ask: RouteInput) -> RouteResult:
        """Rank the agents that have the capabilities, and take a place with the best that has one.

        Raises:
            NoCapableAgent: No agent has the capabilities.
            AllAgentsBusy: The queues are full, or the request has waited as long as it may.
        """
        with Heartbeat():
            # Verified before anything is done for the session, or charged to its tenant.
            _, load = self._identity.started(ask.load)
            ask = ask.model_copy(update={"load": load})
            needs = await self._needs.find(ask)
            routed = capable(self._registry.agents.values(), needs.capabilities, ask.route.max_cost)
            client = activity.client()
            await self._places.sweep(client)
            specs = [self._registry.agents[name] for name in routed]
            base = activity.info().task_queue
            known = await self._knowledge.candidates(specs, client, base)
            served = {name: each for name, each in known.items() if each.queue.workers}
            excluded = tuple(
                f"{name}: no worker serves {each.queue.name}"
                for name, each in known.items()
                if name not in served
            )
            placed = await self._place(ask, routed, served)
        result = RouteResult(
            agent=placed.agent,
            others=self._others(ask, placed),
            ranking=placed.ranking,
            excluded=excluded,
            capabilities=needs.capabilities,
            by=needs.by,
            position=placed.position,
        )
        return result if placed.agent else await self._wait(ask, result)

    async def _place(
        self, ask: RouteInput, routed: Mapping[str, Routing], served: Mapping[str, Candidate]
    ) -> Placed:
        request = Request(
            session=ask.load.session,
            agents=tuple(routed),
            priority=ask.priority,
            since=ask.since,
            may_wait=ask.route.max_wait > 0,
        )
        placed = await self._state.assignments.place(
            request,
            lambda agents, loads: rank(served, agents, loads),
            self._places.limits,
            clock.now(),
        )
        await self._places.wake(placed.woken)
        return placed

    def _others(self, ask: RouteInput, placed: Placed) -> tuple[str, ...]:
        """The other ranked agents whose replies have the shape that the caller gets from the chosen one."""
        if not placed.agent:
            return ()
        agents = self._registry.agents
        shape = agents[placed.agent].output
        return tuple(
            each.agent
            for each in placed.ranking
            if each.agent != placed.agent
            and (ask.load.output is not None or agents[each.agent].output == shape)
        )

    async def _wait(self, ask: RouteInput, result: RouteResult) -> RouteResult:
        """Have the session ask again, or refuse it."""
        waited = clock.now() - ask.since
        left = ask.route.max_wait - waited
        if (result.position or not result.ranking) and left > 0:
            wait = min(_FIRST_WAIT * 1.5**ask.asked, _LONGEST_WAIT) if result.position else _UNSERVED_WAIT
            return result.model_copy(update={"wait": min(wait, left)})
        await self._state.assignments.finish(
            [ask.load.session], "cancelled", self._places.limits, clock.now()
        )
        after = max(1.0, min((each.seconds for each in result.ranking), default=_FIRST_WAIT))
        busy = "; ".join((*(f"{each.agent}: {each.why}" for each in result.ranking), *result.excluded))
        how = f"waited {waited:.0f} s; " if waited > 1 else ""
        error = AllAgentsBusy(f"{how}try again in {after:.0f} s; {busy}", retry_after=after)
        # The caller may try again. The session does not.
        raise to_failure(error, {"again": False, "delay": None}) from error
