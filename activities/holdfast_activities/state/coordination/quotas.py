"""Counted permissions: places per day, each taken once by one call."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities import clock
from holdfast_workflows.contracts.permissions.rules import Quota

from ..log.rows import identifier
from ..setup.tables import QuotaTable
from ..setup.transactions import Transactions
from .scope import Scope

_TRIES = 20
"""Attempts at a place while other workers take places of the same account."""


class _UsedUp(Exception):
    """An account has no place left; the transaction is undone."""


class QuotaStore:
    """Places of counted permissions, shared by all workers."""

    def __init__(self, transactions: Transactions, scope: Scope) -> None:
        self._transactions = transactions
        self._scope = scope

    async def take(self, quotas: Sequence[Quota], key: str) -> str:
        """Take a place in each quota for the call with this key, or in none of them.

        Returns the account that is used up; empty if the call has its places, also from an earlier attempt.
        """
        for quota in quotas:
            try:
                async with self._transactions.begin() as db:
                    # One after the other: a place that a refused call has taken stays taken.
                    await self._take(db, quota, identifier(key))
            except _UsedUp:
                return quota.account
        return ""

    async def _take(self, db: AsyncSession, quota: Quota, key: str) -> None:
        # A digest, since accounts contain the names of users.
        account = self._scope.stored(hashlib.sha256(quota.account.encode()).hexdigest())
        for _ in range(_TRIES):
            place = select(func.coalesce(func.max(col(QuotaTable.place)), 0)).where(
                col(QuotaTable.account) == account
            )
            own = select(QuotaTable).where(col(QuotaTable.account) == account, col(QuotaTable.key) == key)
            insert = self._transactions.insert(
                QuotaTable,
                {"account": account, "place": place.scalar_subquery() + 1, "key": key, "at": clock.now()},
            )
            await db.exec(insert)
            row = (await db.exec(own)).one_or_none()
            if row is not None and row.place <= quota.limit:
                return
            if row is not None:
                raise _UsedUp
        raise _UsedUp
