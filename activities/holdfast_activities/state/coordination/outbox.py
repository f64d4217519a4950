"""Memory changes on their way to the store.

Adding or claiming an item reserves it for a while, so that one worker at a time applies it. If that worker
dies, the claim expires; applying an item twice has the same result as once.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.text.unicode import clean

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import identifier
from ..setup.tables import OutboxTable, SessionTable
from ..setup.transactions import Transactions


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A decided memory change. ``body`` is a ``Change`` as JSON, emptied once applied, so that forgetting the
    memory in the store is enough.
    """

    id: str
    tenant: str
    session: str
    at: float
    body: str
    applied: float = 0.0
    """When it was applied; 0 while it waits."""
    error: str = ""
    """Why the last attempt to apply it failed."""
    answer: str = ""
    """The answer to a repeated request, as JSON."""


_COLUMNS = set(OutboxItem.__dataclass_fields__)

_CONTENT = ("body", "answer", "error")
"""The columns that are encrypted."""


class OutboxQueue:
    """Memory changes on their way to the store: each is decided once, and none is lost."""

    def __init__(self, transactions: Transactions, app: str, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher
        self._app = app

    async def add(self, item: OutboxItem, *, until: float = 0.0) -> OutboxItem | None:
        """Store a change, claimed by the caller until ``until``. An existing item of the same id stays.

        Returns the stored item, or None if its session was erased and nothing was stored.
        """
        identifier(item.id)
        values: dict[str, Any] = {
            name: clean(value) if isinstance(value, str) else value for name, value in asdict(item).items()
        } | {"claimed": until, "app": self._app}
        for name in _CONTENT:
            values[name] = self._cipher.encrypt(values[name], f"outbox.{name}", item.id)
        async with self._transactions.begin() as db:
            await db.exec(self._transactions.insert(OutboxTable, values))
            # After the write, under the lock that an erasure of the session takes first: either the
            # erasure sees the item, or this sees the session erased.
            if item.session and await _is_erased(db, item.session):
                await db.exec(delete(OutboxTable).where(col(OutboxTable.id) == item.id))
                return None
            row = await db.get(OutboxTable, item.id)
        return None if row is None else self._item(row)

    async def get(self, id: str) -> OutboxItem | None:
        """The item of that id."""
        row = await self._transactions.get(OutboxTable, identifier(id))
        return None if row is None else self._item(row)

    async def claim(self, now: float, seconds: float, limit: int = 50) -> list[OutboxItem]:
        """Claim waiting items for ``seconds``, oldest first. Other callers do not get them in that time."""
        # A locked CTE, since PostgreSQL may otherwise evaluate the subquery again for every row.
        free = (
            select(OutboxTable.id)
            .where(col(OutboxTable.applied) == 0, col(OutboxTable.claimed) <= now, self._own())
            .order_by(col(OutboxTable.at), col(OutboxTable.id))
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("free")
        )
        taken = (
            update(OutboxTable)
            .where(col(OutboxTable.id).in_(select(free.c.id)))
            .values(claimed=now + seconds)
            .returning(OutboxTable)
        )
        async with self._transactions.begin() as db:
            found = [self._item(row) for row in (await db.exec(taken)).scalars()]
        return sorted(found, key=lambda item: (item.at, item.id))

    async def applied(self, id: str, now: float) -> bool:
        """Mark an item as applied. False if it was erased: the caller then erases what it applied."""
        return await self._change(id, body="", applied=now, error="")

    async def failed(self, id: str, error: str, *, until: float = 0.0) -> None:
        """Record why an item could not be applied; it can be claimed again after ``until``."""
        text = self._cipher.encrypt(clean(error), "outbox.error", identifier(id))
        await self._change(id, claimed=until, error=text)

    async def _change(self, id: str, **values: object) -> bool:
        change = update(OutboxTable).where(col(OutboxTable.id) == identifier(id)).values(**values)
        return await self._transactions.write(change) == 1

    async def forget(self, tenant: str, ids: Sequence[str], now: float) -> None:
        """Record that memories of a tenant were forgotten, so that no repeated change restores them.

        The record is kept as long as applied items are.
        """
        common = {"tenant": clean(tenant), "session": "", "at": now, "applied": now, "claimed": 0.0}
        texts = dict.fromkeys(("body", "answer", "error"), "")
        async with self._transactions.begin() as db:
            for id in dict.fromkeys(ids):
                row = {"id": _forgotten(tenant, id), **common, **texts}
                await db.exec(self._transactions.upsert(OutboxTable, row, {"applied": now}))

    async def forgotten(self, tenant: str, ids: Sequence[str]) -> frozenset[str]:
        """The ids among ``ids`` that were forgotten."""
        notes = {_forgotten(tenant, id): id for id in ids}
        wanted = select(OutboxTable.id).where(col(OutboxTable.id).in_(notes))
        return frozenset(notes[note] for note in await self._transactions.all(wanted))

    async def waiting(self) -> int:
        """The number of items that wait to be applied."""
        waiting = select(func.count()).select_from(OutboxTable)
        return await self._transactions.one(waiting.where(col(OutboxTable.applied) == 0, self._own())) or 0

    def _item(self, row: OutboxTable) -> OutboxItem:
        values = row.model_dump(include=_COLUMNS)
        for name in _CONTENT:
            values[name] = self._cipher.decrypt(values[name], f"outbox.{name}", row.id)
        return OutboxItem(**values)

    def _own(self) -> ColumnElement[bool]:
        # Another app may have another memory store.
        return col(OutboxTable.app) == self._app

    async def erase(self, *, session: str = "", tenant: str | None = None) -> int:
        """Remove all items of a session, or of a tenant if one is given."""
        if tenant is None:
            items = col(OutboxTable.session) == identifier(session)
        else:
            items = col(OutboxTable.tenant) == clean(tenant)
        return await self._transactions.write(delete(OutboxTable).where(items))


async def _is_erased(db: AsyncSession, session: str) -> bool:
    found = await db.exec(
        select(SessionTable.erased).where(col(SessionTable.session) == session).with_for_update(read=True)
    )
    return (found.one_or_none() or 0.0) > 0


def _forgotten(tenant: str, id: str) -> str:
    """The row id of a forgotten memory: unique, and different from the ids of changes."""
    return json.dumps([tenant, id])
