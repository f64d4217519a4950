"""Circuit breakers in the database: each change locks the breaker's row, reads and updates it."""

from __future__ import annotations  # the PostgreSQL dialect is loaded only on PostgreSQL

import builtins
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Update, update
from sqlalchemy.dialects import sqlite
from sqlmodel import col, select

from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.text.unicode import clean

from ..log.rows import identifier
from ..setup.tables import BreakerTable
from ..setup.transactions import Transactions
from .breaker import Breaker, BreakerRule, fail, free_probe, succeed, take_probe
from .scope import Scope

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_Lock: TypeAlias = "Update | postgresql.Insert | sqlite.Insert"


class BreakerStore:
    """Circuit breakers in the database. ``now`` is in seconds since 1970; an unknown breaker is closed."""

    def __init__(self, transactions: Transactions, scope: Scope) -> None:
        self._transactions = transactions
        self._scope = scope

    async def load(self) -> builtins.list[BreakerView]:
        """All breakers that have ever counted a failure."""
        async with self._transactions.begin() as db:
            name = col(BreakerTable.name)
            rows = await db.exec(select(BreakerTable).where(self._scope.own(name)).order_by(name))
            return [_view(self._scope.name(row.name), _breaker(row)) for row in rows]

    async def failed(
        self, name: str, rule: BreakerRule, now: float, *, probe: str = "", reason: str = ""
    ) -> BreakerView:
        """Count a failure. The last failure in a row, or a failed ``probe``, opens the breaker."""
        return await self._make_and_move(name, lambda before: fail(before, rule, now, probe, clean(reason)))

    async def succeeded(self, name: str, rule: BreakerRule, now: float, *, probe: str = "") -> BreakerView:
        """Reset a closed breaker's failures, or count a successful probe of a half-open one.

        The last successful probe closes the breaker. A success right after opening makes it half open.
        """
        view = await self._move(name, self._lock(name), lambda before: succeed(before, rule, now, probe))
        return view or BreakerView(name=name)

    async def probe(self, name: str, rule: BreakerRule, now: float, token: str) -> BreakerView | None:
        """Take one of the probes of a breaker whose cooldown is over; None if none is available."""
        return await self._move(name, self._lock(name), lambda before: take_probe(before, rule, now, token))

    async def release(self, name: str, token: str) -> None:
        """Free the place of a probe that was cancelled or never sent."""
        await self._move(name, self._lock(name), lambda before: free_probe(before, token))

    async def set(self, view: BreakerView) -> BreakerView:
        """Open or close a breaker manually."""
        reason = clean(view.reason)
        if view.state == "open":
            manual = Breaker("open", until=view.until, opened=view.opened, manual=True, reason=reason)
        else:
            manual = Breaker(reason=reason)
        return await self._make_and_move(view.name, lambda _: manual)

    async def _make_and_move(self, name: str, move: Callable[[Breaker], Breaker]) -> BreakerView:
        """Apply a change that always succeeds, to a new closed breaker if there is no row."""
        stored = self._scope.stored(identifier(name))
        values = {"name": stored} | _values(Breaker())
        lock = self._transactions.insert(BreakerTable, values).on_conflict_do_update(
            index_elements=["name"], set_={"name": stored}
        )
        view = await self._move(name, lock, move)
        assert view is not None
        return view

    async def _move(
        self, name: str, lock: _Lock, move: Callable[[Breaker], Breaker | None]
    ) -> BreakerView | None:
        """Apply a change; None if there is no such row or ``move`` returns None.

        ``lock`` changes nothing but locks the row, so that every change sees the one before.
        """
        own = col(BreakerTable.name) == self._scope.stored(identifier(name))
        async with self._transactions.begin() as db:
            await db.exec(lock)
            row = (await db.exec(select(BreakerTable).where(own))).one_or_none()
            after = None if row is None else move(_breaker(row))
            if after is None:
                return None
            await db.exec(update(BreakerTable).where(own).values(**_values(after)))
        return _view(name, after)

    def _lock(self, name: str) -> Update:
        stored = self._scope.stored(identifier(name))
        return update(BreakerTable).where(col(BreakerTable.name) == stored).values(name=stored)


def _breaker(row: BreakerTable) -> Breaker:
    values = row.model_dump(exclude={"name", "probes"})
    return Breaker(**values, probes=json.loads(row.probes))


def _values(breaker: Breaker) -> dict[str, Any]:
    return asdict(breaker) | {"probes": json.dumps(breaker.probes)}


def _view(name: str, breaker: Breaker) -> BreakerView:
    return BreakerView(
        name=name,
        state=breaker.state,
        failures=breaker.failures,
        until=breaker.until,
        opened=breaker.opened,
        manual=breaker.manual,
        reason=breaker.reason,
    )
