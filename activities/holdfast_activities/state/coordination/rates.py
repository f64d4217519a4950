"""Rate limits in the database: a row for each key, with its bucket and the end of its block."""

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..log.rows import identifier
from ..setup.tables import RateTable
from ..setup.transactions import Transactions
from .bucket import Bucket, Lease, Rate, fill, put, take, wait
from .scope import Scope


class RateStore:
    """Rate limits shared by all workers: one bucket for each key, filled evenly over a minute."""

    def __init__(self, transactions: Transactions, scope: Scope) -> None:
        self._transactions = transactions
        self._scope = scope

    async def lease(
        self, key: str, rate: Rate, requests: int, tokens: int, now: float, seconds: float
    ) -> Lease:
        """Take at least ``requests`` and ``tokens``, and at most a fair share for ``seconds``."""
        async with self._transactions.begin() as db:
            row = await self._lock(db, key)
            bucket = fill(Bucket(row.requests, row.tokens, row.at), rate, now)
            blocked = max(0.0, row.blocked - now)
            taken = None if blocked else take(bucket, rate, requests, tokens, seconds)
            if taken is None:
                return Lease(wait=max(blocked, wait(bucket, rate, requests, tokens)))
            rest, lease = taken
            await _store(db, row.key, rest)
        return lease

    async def give_back(self, key: str, rate: Rate, requests: float, tokens: float, now: float) -> None:
        """Return the unused part of a lease. Negative amounts subtract what was used beyond it."""
        async with self._transactions.begin() as db:
            row = await self._lock(db, key)
            bucket = fill(Bucket(row.requests, row.tokens, row.at), rate, now)
            await _store(db, row.key, put(bucket, rate, requests, tokens))

    async def block(self, key: str, until: float) -> None:
        """Grant nothing before ``until``, as the provider requested. A later block stays."""
        blocked = col(RateTable.blocked)
        async with self._transactions.begin() as db:
            row = await self._lock(db, key)
            await db.exec(
                update(RateTable).where(col(RateTable.key) == row.key, blocked < until).values(blocked=until)
            )

    async def blocks(self, now: float) -> dict[str, float]:
        """The end of each block that is still in effect, by key."""
        query = select(RateTable).where(col(RateTable.blocked) > now, self._scope.own(col(RateTable.key)))
        return {self._scope.name(row.key): row.blocked for row in await self._transactions.all(query)}

    async def _lock(self, db: AsyncSession, key: str) -> RateTable:
        """Lock and return the key's row; a new one is full, since it was empty in 1970."""
        stored = self._scope.stored(identifier(key))
        fresh = RateTable(key=stored, requests=0.0, tokens=0.0, at=0.0, blocked=0.0)
        await db.exec(self._transactions.upsert(RateTable, fresh.model_dump(), {"key": stored}))
        return (await db.exec(select(RateTable).where(col(RateTable.key) == stored))).one()


async def _store(db: AsyncSession, key: str, bucket: Bucket) -> None:
    await db.exec(
        update(RateTable)
        .where(col(RateTable.key) == key)
        .values(requests=bucket.requests, tokens=bucket.tokens, at=bucket.at)
    )
