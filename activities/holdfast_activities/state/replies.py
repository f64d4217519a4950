"""Replies kept for the last resort. They are kept with the log: see ``Riders.cached``."""

from sqlmodel import col, select

from .rows import identifier
from .tables import KeptTable
from .transactions import Transactions


class ReplyShelf:
    """See ``Replies``."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def find(self, digest: str, since: float) -> str | None:
        """See ``Replies.find``."""
        wanted = select(KeptTable.body).where(
            col(KeptTable.digest) == identifier(digest), col(KeptTable.at) >= since
        )
        async with self._transactions.begin() as db:
            return (await db.exec(wanted)).one_or_none()
