"""Texts without a session: one was stored, and the session never began.

Texts have no time, so a row says since when one is known to have no session.
"""

from sqlalchemy import delete, exists
from sqlmodel import col, select

from ..setup.tables import RemovalTable, SessionTable, TextTable
from ..setup.transactions import Transactions
from .removing import ORPHAN

_MOST = 1_000
"""Sessions in one run."""


class OrphanStore:
    """Finds and removes texts without a session."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def find(self, now: float, before: float) -> list[str]:
        """Note the ids that have texts and no session; return those that were noted before a time."""
        noted = col(RemovalTable.kind) == ORPHAN
        row = exists().where(col(SessionTable.session) == col(RemovalTable.session))
        text = exists().where(col(TextTable.session) == col(RemovalTable.session))
        has_session = exists().where(col(SessionTable.session) == col(TextTable.session))
        known = exists().where(noted, col(RemovalTable.session) == col(TextTable.session))
        async with self._transactions.begin() as db:
            await db.exec(delete(RemovalTable).where(noted, row | ~text))
            new = select(TextTable.session).distinct().where(~has_session, ~known).limit(_MOST)
            for session in (await db.exec(new)).all():
                values = {"session": session, "kind": ORPHAN, "tenant": "", "at": now}
                await db.exec(self._transactions.insert(RemovalTable, values))
            old = select(RemovalTable.session).where(noted, col(RemovalTable.at) < before)
            return list(await db.exec(old.order_by(col(RemovalTable.at)).limit(_MOST)))

    async def remove(self, session: str) -> bool:
        """Remove the texts of an id that still has no session."""
        async with self._transactions.begin() as db:
            row = exists().where(col(SessionTable.session) == session)
            gone = await db.exec(delete(TextTable).where(col(TextTable.session) == session, ~row))
            noted = col(RemovalTable.session) == session, col(RemovalTable.kind) == ORPHAN
            await db.exec(delete(RemovalTable).where(*noted))
            return gone.rowcount > 0
