"""Cached replies, a fallback; the log writes them (``LogExtras.cached``)."""

from sqlmodel import col, select

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import identifier
from ..setup.tables import CachedReplyTable
from ..setup.transactions import Transactions


class ReplyStore:
    """Replies cached under the digest of their prompts."""

    def __init__(self, transactions: Transactions, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher

    async def find(self, digest: str, since: float) -> str | None:
        """The cached reply as JSON, if it was stored at ``since`` or later."""
        body = await self._transactions.one(
            select(CachedReplyTable.body).where(
                col(CachedReplyTable.digest) == identifier(digest), col(CachedReplyTable.at) >= since
            )
        )
        return None if body is None else self._cipher.decrypt(body, "cachedreply.body", digest)
