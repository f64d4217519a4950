"""The identity of a database: a row written when it is first opened, and copied with it."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import StateReplaced

from .tables import IdentityTable
from .transactions import Transactions

_ID = select(IdentityTable.id)


@dataclass
class Identity:
    """The identity of the database that was opened.

    ``place`` is its location without a password, for messages; ``id`` is random text, empty until it is known.
    """

    place: str
    id: str = ""

    async def verify_connection(self, connection: Any) -> None:
        """Raise StateReplaced if a new asyncpg connection leads to another database, as after a failover."""
        if not self.id:
            return
        import asyncpg  # not loaded by workers on SQLite, which have no such connection

        try:
            found = await connection.fetchval("SELECT id FROM holdfast_identity")
        except asyncpg.UndefinedTableError:
            found = None
        self._check(found)

    async def establish(self, transactions: Transactions) -> None:
        """Read the database's identity; create it if it is missing."""
        if not await transactions.all(_ID):
            now = clock.now()
            row = {"one": 1, "id": uuid.uuid4().hex, "created": now, "checked": now}
            await transactions.write(transactions.insert(IdentityTable, row))
        [self.id] = await transactions.all(_ID)

    async def verify(self, transactions: Transactions) -> None:
        """Raise StateReplaced if this is no longer the database that was opened."""
        found = await transactions.one(_ID)
        self._check(found)

    async def touch(self, transactions: Transactions) -> None:
        """Write to the identity's row, which detects a read-only or full database. Raises as ``verify``."""
        own = col(IdentityTable.id) == self.id
        if transactions.reading or not await transactions.write(
            update(IdentityTable).where(own).values(checked=clock.now())
        ):
            await self.verify(transactions)

    def _check(self, found: str | None) -> None:
        if found != self.id:
            raise StateReplaced(f"{self.place} was {self.id}; now it is {found or 'an empty database'}")
