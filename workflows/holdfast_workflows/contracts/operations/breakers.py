"""Circuit breakers, with the requests that list and set them, and limits of tenants."""

from typing import Literal

from pydantic import Field

from ..agent.declared import Declared
from ..base import Contract
from ..permissions.rules import Permissions
from ..public import public

BreakerState = Literal["closed", "open", "half_open"]


@public
class BreakerView(Contract):
    """A breaker: ``provider:<name>``, ``tool:<name>`` or ``memory:<name>`` (``embedded``, ``weaviate``, ``embeddings``).

    ``failures`` counts those in a row. An open breaker lets probes through at ``until`` (seconds since 1970); a
    ``manual`` one stays open until then.
    """

    name: str
    state: BreakerState = "closed"
    failures: int = 0
    until: float = 0.0
    opened: float = 0.0
    manual: bool = False
    reason: str = ""


class ListBreakers(Contract):
    """List all breakers that ever had a failure."""


class BreakerList(Contract):
    """Breakers by name."""

    breakers: tuple[BreakerView, ...]


class SetBreaker(Contract):
    """Open a breaker manually for ``seconds``, at most a year, or close it."""

    name: str
    state: Literal["closed", "open"]
    # The end must be a valid date.
    seconds: float = Field(default=3_600.0, gt=0, le=366 * 86_400)
    reason: str = ""


@public
class TenantLimits(Declared):
    """Limits of one tenant, per UTC day, or per minute over all workers; None for no limit.

    ``weight`` is Temporal's fairness weight: the tenant's share when tenants compete for workers. ``permissions`` are
    rules on the tool calls of the tenant's sessions.
    """

    tokens_per_day: int | None = None
    dollars_per_day: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    weight: float = 1.0
    permissions: Permissions | None = None
