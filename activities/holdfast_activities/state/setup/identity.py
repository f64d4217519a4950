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

_FOUND = "SELECT id FROM holdfast_identity"


@dataclass
class Identity:
    """The identity of the database that was opened; ``id`` is empty until it is known.

    Attributes:
        place: Where the database is, without a password, for messages.
        id: Random text.
    """

    place: str
    id: str = ""

    async def verify(self, connection: Any) -> None:
        """Check that a new connection leads to the same database, which may differ after a failover.

        Raises:
            StateReplaced: It leads to another, or to one without these tables.
        """
        if not self.id:
            return
        import asyncpg  # not loaded by workers on SQLite, which have no such connection

        try:
            found = await connection.fetchval(_FOUND)
        except asyncpg.UndefinedTableError:
            found = None
        if found != self.id:
            raise self.replaced(found)

    def replaced(self, found: str | None) -> StateReplaced:
        """The error for a database with another identity or none."""
        return StateReplaced(f"{self.place} was {self.id}; now it is {found or 'an empty database'}")


async def establish(identity: Identity, transactions: Transactions) -> None:
    """Read the database's identity; create it if there is none.

    Raises:
        StateUnavailable: The database did not answer.
    """
    wanted = select(IdentityTable.id)
    async with transactions.begin() as db:
        found = (await db.exec(wanted)).one_or_none()
    if found is None:
        now = clock.now()
        await transactions.add_once(IdentityTable(one=1, id=uuid.uuid4().hex, created=now, checked=now))
        async with transactions.begin() as db:
            found = (await db.exec(wanted)).one()
    identity.id = found


async def verify(identity: Identity, transactions: Transactions) -> None:
    """Check that the database is still the one that was opened.

    Raises:
        StateReplaced: It is another one.
        StateUnavailable: The database did not answer.
    """
    async with transactions.begin() as db:
        found = (await db.exec(select(IdentityTable.id))).one_or_none()
    if found != identity.id:
        raise identity.replaced(found)


async def touch(identity: Identity, transactions: Transactions) -> None:
    """Write to the identity's row, which detects a read-only or full database.

    Raises:
        StateReplaced: It is another database.
        StateUnavailable: The database did not answer or accepts no writes.
    """
    own = col(IdentityTable.id) == identity.id
    async with transactions.begin() as db:
        changed = await db.exec(update(IdentityTable).where(own).values(checked=clock.now()))
    if changed.rowcount == 0:
        await verify(identity, transactions)
