"""Reports of what model calls cost."""

from typing import Final, Literal

from pydantic import Field

from ..base import Contract
from ..public import public

CostDimension = Literal["agent", "model", "tool", "tenant", "user", "session", "day", "hour"]

DIMENSIONS: Final[tuple[CostDimension, ...]] = (
    "agent", "model", "tool", "tenant", "user", "session", "day", "hour",
)  # fmt: skip
"""What costs can be grouped by, in the order of columns. Days and hours are in UTC."""

LARGEST: Final = 500
"""Rows in one report, so that it fits a payload."""


@public
class CostRow(Contract):
    """What model calls cost, by the dimensions of the report; the others are empty.

    ``day`` is written as 2026-01-31, ``hour`` as 2026-01-31T14. By ``tool``, the row without one has the instructions,
    messages and texts of replies. ``tool_calls`` are calls that models asked for. ``unpriced_tokens`` are of models
    without a known price; they cost nothing here. ``input_tokens`` include ``cached_tokens``.
    """

    agent: str = ""
    model: str = ""
    tool: str = ""
    tenant: str = ""
    user: str = ""
    session: str = ""
    day: str = ""
    hour: str = ""
    dollars: float = 0.0
    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    unpriced_tokens: int = 0


@public
class CostForecast(Contract):
    """What the current day (UTC) will have cost at its end.

    ``dollars`` is ``spent`` and the expected rest. The rest is that of the ``days`` before which had costs, at most
    seven, adjusted to the current day; without such days it is the current pace.
    """

    day: str
    spent: float
    dollars: float
    days: int


@public
class CostReport(Contract):
    """Costs by row, the most expensive first, and ``total`` of all. ``more`` is whether rows were left out.

    ``forecast`` is None if the period does not include the current day.
    """

    since: str
    until: str
    rows: tuple[CostRow, ...] = ()
    total: CostRow = CostRow()
    more: bool = False
    forecast: CostForecast | None = None


class ListCosts(Contract):
    """Report costs of the days ``since`` to ``until`` (UTC, inclusive; empty for the current day), by ``by``.

    Empty filters select everything.
    """

    by: tuple[CostDimension, ...] = ("agent",)
    since: str = ""
    until: str = ""
    agent: str = ""
    model: str = ""
    tool: str | None = None
    tenant: str = ""
    """Filled in from the principal."""
    user: str = ""
    session: str = ""
    limit: int = Field(default=100, ge=1, le=LARGEST)
