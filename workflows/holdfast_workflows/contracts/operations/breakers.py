"""Circuit breakers and rate limits as the workers share them, and the commands that show and move breakers."""

from typing import Literal

from pydantic import Field

from ..agent.declared import Declared
from ..base import Contract

BreakerState = Literal["closed", "open", "half_open"]


class BreakerView(Contract):
    """A breaker: ``provider:<name>``, ``tool:<name>`` or ``memory:<name>`` (``embedded``, ``weaviate``, ``embeddings``).

    ``failures`` in a row; ``until`` is when an open one lets probes through, in seconds since 1970;
    ``manual`` ones were opened by hand and stay so until ``until``.
    """

    name: str
    state: BreakerState = "closed"
    failures: int = 0
    until: float = 0.0
    opened: float = 0.0
    manual: bool = False
    reason: str = ""


class ListBreakers(Contract):
    """Ask for all breakers that ever saw a failure."""


class BreakerList(Contract):
    """Breakers by name."""

    breakers: tuple[BreakerView, ...]


class SetBreaker(Contract):
    """Open a breaker by hand for ``seconds``, at most a year, or close it."""

    name: str
    state: Literal["closed", "open"]
    # Until when has to be a date that can be told.
    seconds: float = Field(default=3_600.0, gt=0, le=366 * 86_400)
    reason: str = ""


class TenantLimits(Declared):
    """What one tenant may use: per UTC day, and per minute over all workers; None for no limit.

    ``weight`` is its share where tenants compete for workers (Temporal's fairness weight).
    """

    tokens_per_day: int | None = None
    dollars_per_day: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    weight: float = 1.0
