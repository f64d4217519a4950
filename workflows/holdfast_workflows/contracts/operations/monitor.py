"""The monitor: what it observes, its analyses and recommendations, and the changes that it makes."""

from typing import Literal

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME
from ..public import public
from .figures import Figure

RecommendationKind = Literal["memory_cleanup", "context_target", "load_rebalancing", "worker_restart"]


class ObservedWorker(Contract):
    """A worker by its heartbeat to the server. ``memory`` and ``cpu`` are the used shares of its machine."""

    identity: str
    queue: str
    memory: float = 0.0
    cpu: float = 0.0
    processed: int = 0
    """Activities since its heartbeat before."""
    failed: int = 0
    silent: bool = False
    """Whether its heartbeats are overdue, although it has not stopped."""


class ObservedPrompts(Contract):
    """The recent prompts of an agent: how many, and the share of the context window that 95 % of them stay below."""

    agent: str
    prompts: int
    share: float
    context_window: int


class ObserveInput(Contract):
    """Observe the deployment of the worker's app."""


class Observation(Contract):
    """A deployment at one time. ``errors`` says which parts could not be read."""

    at: float
    figures: tuple[Figure, ...] = ()
    workers: tuple[ObservedWorker, ...] = ()
    prompts: tuple[ObservedPrompts, ...] = ()
    maintenance_every: float = 0.0
    """Seconds between runs of maintenance; 0 if it is not scheduled."""
    errors: dict[str, str] = {}


class AdjustMaintenance(Contract):
    """Change the interval of maintenance from ``before`` to ``every`` seconds, and record it in the audit log.

    ``id`` is that of the change, ``by`` the person who reverts it.
    """

    id: str = Field(max_length=MAX_NAME)
    action: Literal["applied", "reverted"]
    every: float = Field(ge=60)
    before: float
    why: str = Field(default="", max_length=1_000)
    by: str = Field(default="", max_length=MAX_NAME)
    at: float


@public
class Recommendation(Contract):
    """What an operator should do. ``id`` is the same for as long as the reason lasts."""

    id: str
    kind: RecommendationKind
    subject: str
    """The queue, worker or agent that it concerns."""
    why: str
    action: str
    since: float = 0.0
    every: float = 0.0
    """Of one that the monitor can apply: the interval of maintenance in seconds; 0 for the others."""


@public
class MonitorChange(Contract):
    """A change that the monitor made. ``before`` and ``after`` are intervals of maintenance in seconds."""

    id: str
    at: float
    why: str
    before: float
    after: float
    reverted: float = 0.0
    """When the interval was found changed again; 0 while the change holds."""


@public
class MonitorAnalysis(Contract):
    """The values that recommendations are based on, by name."""

    at: float = 0.0
    values: dict[str, float] = {}


class MonitorInput(Contract):
    """One run of the monitor."""

    apply: bool = False
    """Whether it applies recommendations that are safe and can be reverted."""


@public
class MonitorReport(Contract):
    """The result of one run: recommendations, changes so far, the last analyses and one of about a day ago."""

    at: float = 0.0
    apply: bool = False
    recommendations: tuple[Recommendation, ...] = ()
    changes: tuple[MonitorChange, ...] = ()
    analyses: tuple[MonitorAnalysis, ...] = ()
    baseline: MonitorAnalysis = MonitorAnalysis()
    errors: dict[str, str] = {}
