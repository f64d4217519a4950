"""The choice of an agent for a session: its input, and its result with the reasons."""

from ..base import Contract
from ..session.steps import LoadInput
from .routing import Route


class RankedAgent(Contract):
    """An agent in a ranking, the best first. ``seconds`` is the time it is expected to take."""

    agent: str
    seconds: float
    why: str
    """The figures behind ``seconds``: running and waiting sessions, success rate, p95, backlog, breaker, cost."""


class RouteResult(Contract):
    """The chosen agent; without one, the request waits and asks again after ``wait`` seconds at the latest."""

    agent: str = ""
    others: tuple[str, ...] = ()
    """Agents that could go on with the session if this one fails, the best first."""
    ranking: tuple[RankedAgent, ...] = ()
    excluded: tuple[str, ...] = ()
    """Agents that were not eligible, each with the reason."""
    capabilities: tuple[str, ...] = ()
    by: str = ""
    """Where the capabilities come from: the caller, rules, a model, the router's default."""
    wait: float = 0.0
    position: int = 0
    """Its place among the requests that wait, from 1."""


class RouteInput(Contract):
    """Choose an agent for a session. ``load`` has the session and its owner; its agent is empty."""

    about: str
    """What is asked for, first for people."""
    load: LoadInput
    route: Route
    text: str = ""
    """The first message, if small."""
    ref: str = ""
    """The first message in the state database, if large."""
    priority: int = 3
    asked: int = 0
    """How often it has asked before."""
    since: float = 0.0
    """When the session began to wait, in seconds since 1970."""
    known: RouteResult | None = None
    """The result of the request before, whose capabilities still hold."""
