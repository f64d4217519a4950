"""Cached replies, a fallback; the log writes them (``LogExtras.cached``)."""

from sqlmodel import col, select

from ..log.rows import identifier
from ..setup.tables import CachedReplyTable
from ..setup.transactions import Transactions


class ReplyStore:
    """Replies cached under the digest of their prompts."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def find(self, digest: str, since: float) -> str | None:
        """The cached reply as JSON, if it was stored at ``since`` or later."""
        return await self._transactions.one(
            select(CachedReplyTable.body).where(
                col(CachedReplyTable.digest) == identifier(digest), col(CachedReplyTable.at) >= since
            )
        )
