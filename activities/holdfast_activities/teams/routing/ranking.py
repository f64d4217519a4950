"""Rank agents by the time that a session is expected to take. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from holdfast_activities.state.coordination.assignments import Load, Recent
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import NoCapableAgent
from holdfast_workflows.contracts.teams.routed import RankedAgent
from holdfast_workflows.contracts.teams.routing import COSTS, Cost, Routing

_UNKNOWN_SECONDS = 10.0
"""The time of an agent without recent turns, if no other agent has any."""

_AT_ONCE = 20
"""Sessions that an agent without ``max_sessions`` serves at once on one worker before they are taken to slow down."""

_COST: Mapping[Cost, float] = {"low": 1.0, "standard": 1.1, "high": 1.25}
"""How much faster a more expensive agent must be."""

_TRIED = 2
"""Successful turns that every agent is given in advance, so that one failure does not exclude it."""

_PROBING = 5.0
"""Seconds that an agent whose breakers are open is taken to need at least before it answers."""


NEW = Recent()
"""An agent without recent turns."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A task queue: live workers, and the age in seconds of the work that waits longest for one."""

    name: str
    workers: int
    backlog_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known about an agent. ``breaker_seconds`` is until when its providers' breakers are all open."""

    agent: str
    routing: Routing
    queue: Queue
    recent: Recent = NEW
    breaker_seconds: float | None = None


def capable(
    agents: Iterable[AgentSpec], needed: Sequence[str], max_cost: Cost = "high"
) -> dict[str, Routing]:
    """Return the agents that have all capabilities.

    Raises:
        NoCapableAgent: No agent has them; the detail names what is missing.
    """
    routed = {spec.name: spec.routing for spec in agents if spec.routing is not None}
    most = COSTS.index(max_cost)
    found = {name: each for name, each in routed.items() if set(needed) <= set(each.capabilities)}
    cheap = {name: each for name, each in found.items() if COSTS.index(each.cost) <= most}
    if cheap:
        return cheap
    raise NoCapableAgent(_missing(routed, found, needed, max_cost))


def _missing(
    routed: Mapping[str, Routing], found: Mapping[str, Routing], needed: Sequence[str], max_cost: Cost
) -> str:
    if not routed:
        return "no agent of the App has a Routing; declare Agent(routing=Routing(capabilities=[…]))"
    if found:
        costs = ", ".join(f"{name} costs {each.cost}" for name, each in found.items())
        return f"{costs}; the request takes at most {max_cost}"
    known = {each for routing in routed.values() for each in routing.capabilities}
    if missing := [each for each in needed if each not in known]:
        return f"no agent has {', '.join(map(repr, missing))}; known: {', '.join(sorted(known)) or 'none'}"
    lacks = {
        name: [each for each in needed if each not in routing.capabilities]
        for name, routing in routed.items()
    }
    nearest = min(lacks, key=lambda name: len(lacks[name]))
    return f"no agent has {', '.join(map(repr, needed))} together; {nearest} lacks {', '.join(map(repr, lacks[nearest]))}"


def rank(
    candidates: Mapping[str, Candidate], agents: Sequence[str], loads: Mapping[str, Load]
) -> list[RankedAgent]:
    """Rank agents, the best first; agents that are not candidates are left out."""
    chosen = [candidates[name] for name in agents if name in candidates]
    times = [each.recent.mean for each in candidates.values() if each.recent.done]
    # An agent without recent turns is taken to be as fast as the fastest, so that it is tried.
    unknown = min(times, default=_UNKNOWN_SECONDS)
    ranked = [_ranked(each, loads.get(each.agent, Load()), unknown) for each in chosen]
    return sorted(ranked, key=lambda each: (each.seconds, each.agent))


def _ranked(agent: Candidate, load: Load, unknown: float) -> RankedAgent:
    recent, routing = agent.recent, agent.routing
    at_once = routing.max_sessions or _AT_ONCE * max(1, agent.queue.workers)
    success = (recent.done + _TRIED) / (recent.done + recent.failed + _TRIED)
    turn = recent.mean if recent.done else unknown
    seconds = turn * (1 + (load.running + load.waiting) / at_once) / success * _COST[routing.cost]
    seconds += agent.queue.backlog_seconds
    if agent.breaker_seconds is not None:
        seconds += max(_PROBING, agent.breaker_seconds)
    return RankedAgent(agent=agent.agent, seconds=round(seconds, 3), why=_why(agent, load))


def _why(agent: Candidate, load: Load) -> str:
    recent, most = agent.recent, agent.routing.max_sessions
    ended = recent.done + recent.failed
    parts = (
        f"{load.running} running" + (f" of {most}" if most else ""),
        f"{load.waiting} waiting" if load.waiting else "",
        f"{recent.done} of the last {ended} done, mean {recent.mean:.2f} s, p95 {recent.p95:.2f} s"
        if ended
        else "no recent turns",
        f"backlog {agent.queue.backlog_seconds:.1f} s" if agent.queue.backlog_seconds >= 0.1 else "",
        "breaker open" if agent.breaker_seconds is not None else "",
        f"cost {agent.routing.cost}",
    )
    return ", ".join(filter(None, parts))
