"""Routing: what agents can do, and what a request needs."""

from typing import Literal

from pydantic import Field

from ..agent.declared import Declared
from ..limits import MAX_NAME
from ..public import public

Cost = Literal["low", "standard", "high"]

COSTS: tuple[Cost, ...] = ("low", "standard", "high")
"""From the cheapest to the most expensive."""

MOST_CAPABILITIES = 50
"""Capabilities of an agent or a request, and rules of a router."""


@public
class Routing(Declared):
    """What an agent can do, and how many sessions it serves at once, so that requests are routed to it.

    ``capabilities`` are names that you choose. ``max_sessions`` counts sessions whose turn runs; None for no limit.
    ``max_queue`` is how many requests may wait for the agent when it has no place free.
    """

    capabilities: tuple[str, ...] = Field(max_length=MOST_CAPABILITIES)
    cost: Cost = "standard"
    max_sessions: int | None = Field(default=None, ge=1, le=1_000_000)
    max_queue: int = Field(default=100, ge=0, le=1_000_000)


@public
class When(Declared):
    r"""A rule of a Router: a message in which ``pattern`` (a regular expression) is found needs ``capabilities``.

    Case is ignored. ``r"\brefund"`` finds "Refund" and "refunds".
    """

    pattern: str = Field(min_length=1, max_length=1_000)
    capabilities: tuple[str, ...] = Field(min_length=1, max_length=MOST_CAPABILITIES)


@public
class Router(Declared):
    """Finds out which capabilities a message needs: by rules, then by a model, then ``otherwise``.

    All rules that match count together. If none does, ``model`` chooses among the capabilities of the App's agents.
    ``otherwise`` applies if there is no model, or it gives no answer.
    """

    name: str
    rules: tuple[When, ...] = Field(default=(), max_length=MOST_CAPABILITIES)
    model: str = ""
    otherwise: tuple[str, ...] = Field(default=(), max_length=MOST_CAPABILITIES)


@public
class Route(Declared):
    """A request for any agent that has ``capabilities``, given instead of an agent.

    ``router`` is the name of the App's Router that adds capabilities by the message. ``max_cost`` excludes agents of
    a higher cost. ``max_wait`` is how many seconds the request may wait for a place; with 0 it is refused at once if
    every agent is busy.
    """

    capabilities: tuple[str, ...] = Field(default=(), max_length=MOST_CAPABILITIES)
    router: str = Field(default="", max_length=MAX_NAME)
    max_cost: Cost = "high"
    max_wait: float = Field(default=3_600.0, ge=0, le=604_800)
