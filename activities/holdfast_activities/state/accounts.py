"""Budgets' accounts, for charges that cannot ride with the log, and for people."""

import builtins
import time

from sqlalchemy import and_, func
from sqlmodel import col, select

from holdfast_workflows.contracts.budget import AccountView
from holdfast_workflows.contracts.text import clean

from .base import Log
from .riders import MICROS, Charge, Charged, Riders
from .tables import AccountTable, HoldTable
from .transactions import Transactions


class AccountBook:
    """See ``Accounts``."""

    def __init__(self, log: Log, transactions: Transactions) -> None:
        self._log = log
        self._transactions = transactions

    async def charge(self, charge: Charge) -> Charged:
        """See ``Accounts.charge``."""
        settled = await self._log.settle_with(charge.holder, [], Riders(charge=charge))
        return settled.charged

    async def list(self, prefix: str = "", limit: int = 100) -> builtins.list[AccountView]:
        """See ``Accounts.list``."""
        start = clean(prefix)
        wanted = (
            select(
                AccountTable,
                func.coalesce(func.sum(col(HoldTable.tokens)), 0),
                func.coalesce(func.sum(col(HoldTable.micros)), 0),
            )
            .outerjoin(
                HoldTable,
                and_(col(HoldTable.account) == col(AccountTable.account), col(HoldTable.until) > time.time()),
            )
            # Not LIKE, which takes capitals for small letters in one of the databases.
            .where(func.substr(col(AccountTable.account), 1, len(start)) == start)
            .group_by(col(AccountTable.account))
            .order_by(col(AccountTable.account))
            .limit(limit)
        )
        async with self._transactions.begin() as db:
            return [_view(row, int(tokens), int(micros)) for row, tokens, micros in await db.exec(wanted)]


def _view(row: AccountTable, held_tokens: int, held_micros: int) -> AccountView:
    return AccountView(
        account=row.account,
        tokens=row.tokens,
        dollars=row.micros / MICROS,
        held_tokens=held_tokens,
        held_dollars=held_micros / MICROS,
        tokens_limit=row.tokens_limit,
        dollars_limit=None if row.micros_limit is None else row.micros_limit / MICROS,
    )
