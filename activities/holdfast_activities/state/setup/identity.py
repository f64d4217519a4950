"""Which database this is: a row written when it is first opened, and copied with it."""

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
        """See that a new connection leads to the same database: after a failover it need not.

        Raises:
            StateReplaced: It leads to another, or to one without our tables.
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
        """The error for a database that has another identity, or none."""
        return StateReplaced(f"{self.place} was {self.id}; now it is {found or 'an empty database'}")


async def establish(identity: Identity, transactions: Transactions) -> None:
    """Read the database's identity; one that has none yet gets it.

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
    """See that the database is still the one that was opened.

    Raises:
        StateReplaced: It is another one.
        StateUnavailable: The database did not answer.
    """
    async with transactions.begin() as db:
        found = (await db.exec(select(IdentityTable.id))).one_or_none()
    if found != identity.id:
        raise identity.replaced(found)


async def touch(identity: Identity, transactions: Transactions) -> None:
    """Write to the identity's row, so that a database that is read-only or full is found out.

    Raises:
        StateReplaced: It is another database.
        StateUnavailable: The database did not answer, or takes no writes.
    """
    own = col(IdentityTable.id) == identity.id
    async with transactions.begin() as db:
        changed = await db.exec(update(IdentityTable).where(own).values(checked=clock.now()))
    if changed.rowcount == 0:
        await verify(identity, transactions)
