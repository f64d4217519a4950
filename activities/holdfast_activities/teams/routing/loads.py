"""``read_agent_loads``: what each agent does now."""

from temporalio import activity

from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.coordination.assignments import Load
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.teams.agent_loads import AgentLoad, AgentLoads

from .knowledge import Knowledge
from .ranking import Candidate


class ReadAgentLoads:
    """The activity that operators ask for the load of agents."""

    def __init__(self, registry: Registry, state: State, knowledge: Knowledge) -> None:
        self._registry = registry
        self._state = state
        self._knowledge = knowledge

    @activity.defn(name=names.READ_AGENT_LOADS)
    @reports_failures
    async def read_agent_loads(self) -> AgentLoads:
        """Return the load of every agent of the app."""
        agents = self._registry.agents
        known = await self._knowledge.candidates(
            list(agents.values()), activity.client(), activity.info().task_queue
        )
        loads = await self._state.assignments.loads()
        return AgentLoads(
            agents=tuple(
                _load(spec, known[name], loads.get(name, Load())) for name, spec in sorted(agents.items())
            )
        )


def _load(spec: AgentSpec, known: Candidate, load: Load) -> AgentLoad:
    found = AgentLoad(
        agent=spec.name,
        breaker="closed" if known.breaker_seconds is None else "open",
        queue=known.queue.name,
        workers=known.queue.workers,
        backlog=round(known.queue.backlog_seconds, 1),
    )
    if spec.routing is None:
        return found
    ended = known.recent.done + known.recent.failed
    counted = {
        "capabilities": spec.routing.capabilities,
        "cost": spec.routing.cost,
        "max_sessions": spec.routing.max_sessions,
        "running": load.running,
        "waiting": load.waiting,
        "success": round(known.recent.done / ended, 3) if ended else None,
        "p95": round(known.recent.p95, 3) if known.recent.done else None,
    }
    return found.model_copy(update=counted)
