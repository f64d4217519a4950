"""What agents do now, for operators."""

from ..base import Contract
from ..public import public


@public
class AgentLoad(Contract):
    """An agent with its load, its recent turns and the workers of its task queue.

    ``running``, ``waiting``, ``success`` and ``p95`` are known of agents that have a Routing; of others they are None.
    """

    agent: str
    capabilities: tuple[str, ...] = ()
    cost: str = ""
    running: int | None = None
    """Turns that run."""
    max_sessions: int | None = None
    waiting: int | None = None
    """Requests that wait with it as their first choice."""
    success: float | None = None
    """The part of its last turns that was done, from 0 to 1; None without recent turns."""
    p95: float | None = None
    """The seconds within which 95 % of its last turns were done."""
    breaker: str = "closed"
    """``open`` while the breakers of all its models' providers are open."""
    queue: str = ""
    workers: int = 0
    """Live workers of the queue."""
    backlog: float = 0.0
    """The age in seconds of the work on the queue that waits longest."""


class AgentLoads(Contract):
    """The load of each agent of a task queue."""

    agents: tuple[AgentLoad, ...]
