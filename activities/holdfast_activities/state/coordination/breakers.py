"""Circuit breakers in the database: each change locks the breaker's row, reads and updates it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import col, select

from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.text.unicode import clean

from ..log.rows import identifier
from ..setup.tables import BreakerTable
from ..setup.transactions import Transactions
from .breaker import Breaker, BreakerRule, fail, free_probe, succeed, take_probe
from .scope import Scope


class BreakerStore:
    """Circuit breakers in the database. ``now`` is in seconds since 1970; an unknown breaker is closed."""

    def __init__(self, transactions: Transactions, scope: Scope) -> None:
        self._transactions = transactions
        self._scope = scope

    async def load(self) -> list[BreakerView]:
        """All breakers that have ever counted a failure."""
        name = col(BreakerTable.name)
        rows = await self._transactions.all(select(BreakerTable).where(self._scope.own(name)).order_by(name))
        return [_view(self._scope.name(row.name), _breaker(row)) for row in rows]

    async def failed(
        self, name: str, rule: BreakerRule, now: float, *, probe: str = "", reason: str = ""
    ) -> BreakerView:
        """Count a failure. The last failure in a row, or a failed ``probe``, opens the breaker."""
        return await self._create_and_change(
            name, lambda before: fail(before, rule, now, probe, clean(reason))
        )

    async def succeeded(self, name: str, rule: BreakerRule, now: float, *, probe: str = "") -> BreakerView:
        """Reset a closed breaker's failures, or count a successful probe of a half-open one.

        The last successful probe closes the breaker. A success right after opening makes it half open.
        """
        view = await self._change(name, lambda before: succeed(before, rule, now, probe))
        return view or BreakerView(name=name)

    async def probe(self, name: str, rule: BreakerRule, now: float, token: str) -> BreakerView | None:
        """Take one of the probes of a breaker whose cooldown is over; None if none is available."""
        return await self._change(name, lambda before: take_probe(before, rule, now, token))

    async def release(self, name: str, token: str) -> None:
        """Free the place of a probe that was cancelled or never sent."""
        await self._change(name, lambda before: free_probe(before, token))

    async def set(self, view: BreakerView) -> BreakerView:
        """Open or close a breaker manually."""
        manual = Breaker(reason=clean(view.reason))
        if view.state == "open":
            manual = replace(manual, state="open", until=view.until, opened=view.opened, manual=True)
        return await self._create_and_change(view.name, lambda _: manual)

    async def forget(self, name: str) -> None:
        """Remove a breaker, which is closed then."""
        stored = self._scope.stored(identifier(name))
        await self._transactions.write(delete(BreakerTable).where(col(BreakerTable.name) == stored))

    async def _create_and_change(self, name: str, change: Callable[[Breaker], Breaker]) -> BreakerView:
        view = await self._change(name, change, create=True)
        assert view is not None
        return view

    async def _change(
        self, name: str, change: Callable[[Breaker], Breaker | None], *, create: bool = False
    ) -> BreakerView | None:
        """Change a breaker; None if there is no row (unless ``create``) or ``change`` returns None."""
        stored = self._scope.stored(identifier(name))
        own = col(BreakerTable.name) == stored
        # Changes nothing but locks the row, so that every change sees the one before.
        lock: UpdateBase = update(BreakerTable).where(own).values(name=stored)
        if create:
            lock = self._transactions.upsert(
                BreakerTable, {"name": stored} | _values(Breaker()), {"name": stored}
            )
        async with self._transactions.begin() as db:
            await db.exec(lock)
            row = (await db.exec(select(BreakerTable).where(own))).one_or_none()
            after = None if row is None else change(_breaker(row))
            if after is None:
                return None
            await db.exec(update(BreakerTable).where(own).values(**_values(after)))
        return _view(name, after)


def _breaker(row: BreakerTable) -> Breaker:
    values = row.model_dump(exclude={"name", "probes"})
    return Breaker(**values, probes=json.loads(row.probes))


def _values(breaker: Breaker) -> dict[str, Any]:
    return asdict(breaker) | {"probes": json.dumps(breaker.probes)}


def _view(name: str, breaker: Breaker) -> BreakerView:
    values = asdict(breaker)
    return BreakerView(name=name, **{key: values[key] for key in values.keys() & BreakerView.model_fields})
