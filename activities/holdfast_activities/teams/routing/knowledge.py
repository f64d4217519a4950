"""What is known about the agents of an app, read again when it is a second old."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client

from holdfast_activities import clock
from holdfast_activities.state.coordination.assignments import Recent
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.teams.routing import Routing

from .ranking import Candidate
from .task_queues import TaskQueues

_FRESH: Final = 1.0

_NONE: Final = Routing(capabilities=())
"""Of an agent without a Routing."""


@dataclass(slots=True)
class _Facts:
    at: float = -_FRESH
    breakers: Mapping[str, BreakerView] = field(default_factory=dict[str, BreakerView])
    recent: Mapping[str, Recent] = field(default_factory=dict[str, Recent])


class Knowledge:
    """Facts about agents, from the state database and from Temporal. The load of agents is not among them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queues = TaskQueues()
        self._facts = _Facts()

    async def candidates(
        self, agents: Sequence[AgentSpec], client: Client, base: str
    ) -> dict[str, Candidate]:
        """Describe agents. ``base`` is the app's task queue."""
        if time.monotonic() - self._facts.at >= _FRESH:
            now = clock.now()
            breakers = {view.name: view for view in await self._state.breakers.load()}
            self._facts = _Facts(time.monotonic(), breakers, await self._state.assignments.recent(now))
        found: dict[str, Candidate] = {}
        for spec in agents:
            found[spec.name] = Candidate(
                agent=spec.name,
                routing=spec.routing or _NONE,
                queue=await self._queues.describe(client, names.service_queue(base, spec.queue) or base),
                recent=self._facts.recent.get(spec.name, Recent()),
                breaker_seconds=_broken(spec, self._facts.breakers, clock.now()),
            )
        return found


def _broken(spec: AgentSpec, breakers: Mapping[str, BreakerView], now: float) -> float | None:
    """Seconds until the first of the agent's models may be tried; None if one can be called now."""
    seconds: list[float] = []
    for model in spec.models:
        view = breakers.get(f"provider:{model.partition(':')[0]}")
        if view is None or view.state == "closed":
            return None
        seconds.append(max(0.0, view.until - now))
    return min(seconds)
