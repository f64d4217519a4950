"""Sums of what model calls cost; the log writes them (``Charge.costs``)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal_column
from sqlmodel import col, select

from holdfast_workflows.contracts.operations.costs import DIMENSIONS, CostDimension, CostRow, ListCosts
from holdfast_workflows.contracts.text.unicode import clean

from ..log.extras import MICROS
from ..setup.tables import CostTable
from ..setup.transactions import Transactions

_COUNTS: Final = (
    "model_calls",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "unpriced_tokens",
)

_FILTERS: Final = ("agent", "model", "tool", "tenant", "user", "session")

_EPOCH: Final = date(1970, 1, 1)


class CostStore:
    """The costs of one app, or with None of all."""

    def __init__(self, transactions: Transactions, app: str | None) -> None:
        self._transactions = transactions
        self._app = app

    def of_all_apps(self) -> "CostStore":
        """The costs of all apps in the database."""
        return CostStore(self._transactions, None)

    async def rows(self, ask: ListCosts, first: date, last: date, limit: int) -> list[CostRow]:
        """The costs from one day to another, both included, by ``ask.by``, the most expensive first."""
        by: list[CostDimension] = [name for name in DIMENSIONS if name in ask.by]
        keys = [_key(name) for name in by]
        sums = [func.coalesce(func.sum(getattr(CostTable, name)), 0) for name in ("micros", *_COUNTS)]
        query: Any = (  # the overloads of select() take four columns at most
            select(*keys, *sums)
            .where(*self._wanted(ask, hour_of(first), hour_of(last) + 24))
            .group_by(*keys)
            # By all columns, so that equal rows have an order.
            .order_by(sums[0].desc(), sums[3].desc(), *keys)
            .limit(limit)
        )
        found: list[Sequence[Any]] = await self._transactions.all(query)
        return [_row(by, row) for row in found]

    async def by_hour(self, ask: ListCosts, first: date, last: date) -> dict[int, float]:
        """The dollars of each hour since 1970 from one day to another, both included."""
        hour = col(CostTable.hour)
        query = (
            select(hour, func.sum(col(CostTable.micros)))
            .where(*self._wanted(ask, hour_of(first), hour_of(last) + 24))
            .group_by(hour)
        )
        async with self._transactions.begin() as db:
            return {found: int(micros) / MICROS for found, micros in await db.exec(query)}

    def _wanted(self, ask: ListCosts, start: int, stop: int) -> list[ColumnElement[bool]]:
        hour = col(CostTable.hour)
        wanted: list[ColumnElement[bool]] = [hour >= start, hour < stop]
        if self._app is not None:
            wanted.append(col(CostTable.app) == self._app)
        for name in _FILTERS:
            value: str | None = getattr(ask, name)
            if value or (name == "tool" and value is not None):
                wanted.append(col(getattr(CostTable, name)) == clean(value))
        return wanted


def hour_of(day: date) -> int:
    """The first hour of a day, counted since 1970."""
    return (day - _EPOCH).days * 24


def _key(name: CostDimension) -> ColumnElement[Any]:
    if name == "day":
        # A division of whole numbers. As text: two bound parameters would make two expressions of it.
        return literal_column("holdfast_cost.hour / 24")
    column: ColumnElement[Any] = getattr(CostTable, name)
    return column


def _row(by: Sequence[CostDimension], found: Sequence[Any]) -> CostRow:
    keys, (micros, *counts) = found[: len(by)], found[len(by) :]
    values = {name: _shown(name, key) for name, key in zip(by, keys, strict=True)}
    return CostRow(
        dollars=int(micros) / MICROS, **values, **dict(zip(_COUNTS, map(int, counts), strict=True))
    )


def _shown(name: CostDimension, key: Any) -> str:
    match name:
        case "day":
            return (_EPOCH + timedelta(days=int(key))).isoformat()
        case "hour":
            return datetime.fromtimestamp(int(key) * 3_600, UTC).strftime("%Y-%m-%dT%H")
        case _:
            return str(key)
