"""Budget accounts: charges outside a log write, and lists for operators."""

import builtins

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from holdfast_activities import clock
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import BudgetAccount
from holdfast_workflows.contracts.text.unicode import clean

from ..base import Log
from ..log.extras import MICROS, Charge, Charged, LogExtras
from ..setup.tables import AccountTable, ReservationTable
from ..setup.transactions import Transactions
from .scope import Scope


class BudgetStore:
    """Budget accounts in the database."""

    def __init__(self, log: Log, transactions: Transactions, scope: Scope, app: str = "") -> None:
        self.app = app
        self._log = log
        self._transactions = transactions
        self._scope = scope

    def tenant(self, tenant: str, day: str) -> str:
        """The account of a tenant and app for one UTC day, written as 2026-01-31."""
        return self._scope.stored(names.tenant_account(tenant, day))

    async def charge(self, charge: Charge) -> Charged:
        """Charge in a transaction of its own; most charges are part of a log write."""
        settled = await self._log.settle_with(charge.holder, [], LogExtras(charge=charge))
        return settled.charged

    async def list(self, prefix: str = "", limit: int = 100) -> builtins.list[BudgetAccount]:
        """Accounts whose name starts with ``prefix``, ordered by name."""
        account = col(AccountTable.account)
        wanted = (
            select(
                AccountTable,
                func.coalesce(func.sum(col(ReservationTable.tokens)), 0),
                func.coalesce(func.sum(col(ReservationTable.micros)), 0),
            )
            .outerjoin(
                ReservationTable,
                and_(
                    col(ReservationTable.account) == account,
                    col(ReservationTable.until) > clock.now(),
                ),
            )
            .where(self._own(account, clean(prefix)))
            .group_by(account)
            .order_by(account)
            .limit(limit)
        )
        async with self._transactions.begin() as db:
            found = await db.exec(wanted)
            return [
                _view(self._scope.name(row.account), row, int(tokens), int(micros))
                for row, tokens, micros in found
            ]

    def _own(self, account: Mapped[str], start: str) -> ColumnElement[bool]:
        own = self._scope.begins(account, start)
        if not self._scope.mark:
            return own
        # A run's account has no prefix, since session ids are unique across apps.
        runs = names.run_account("")
        run = and_(func.substr(account, 1, len(runs)) == runs, func.substr(account, 1, len(start)) == start)
        return or_(own, run)


def _view(name: str, row: AccountTable, held_tokens: int, held_micros: int) -> BudgetAccount:
    return BudgetAccount(
        account=name,
        tokens=row.tokens,
        dollars=row.micros / MICROS,
        held_tokens=held_tokens,
        held_dollars=held_micros / MICROS,
        tokens_limit=row.tokens_limit,
        dollars_limit=None if row.micros_limit is None else row.micros_limit / MICROS,
    )
