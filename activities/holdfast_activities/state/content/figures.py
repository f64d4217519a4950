"""Figures of the whole state database, of all its apps."""

from typing import Any

from sqlalchemy import Executable, case, func, literal, select, text
from sqlmodel import col

from holdfast_workflows.contracts import names

from ..setup.tables import AccountTable, EffectTable, OutboxTable, SessionTable
from ..setup.transactions import Transactions

ENDED = ("closed", "failed", "cancelled")

_TOKENS, _MICROS = col(AccountTable.tokens_limit), col(AccountTable.micros_limit)
_BY_TOKENS = case((_TOKENS > 0, 1.0 * col(AccountTable.tokens) / _TOKENS), else_=0.0)
_BY_MICROS = case((_MICROS > 0, 1.0 * col(AccountTable.micros) / _MICROS), else_=0.0)
_USED = func.max(case((_BY_TOKENS > _BY_MICROS, _BY_TOKENS), else_=_BY_MICROS))


class FigureStore:
    """Counts for operators; none of them reads content."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def unknown_effects(self) -> int:
        """The number of effects whose outcome is unknown."""
        # The literal condition has the partial index used.
        unsettled = text("status <> 'settled'")
        wanted = select(func.count()).select_from(EffectTable)
        unknown = wanted.where(unsettled, col(EffectTable.status) == "unknown")
        return int(await self._scalar(unknown))

    async def outbox_changes(self) -> int:
        """The number of memory changes that wait for the store."""
        wanted = select(func.count()).select_from(OutboxTable)
        return int(await self._scalar(wanted.where(col(OutboxTable.applied) == 0)))

    async def budgets_used(self, day: str) -> dict[str, float]:
        """The highest share of a limit that is used: of open runs, and of tenants on a ``day`` such as 2026-01-31."""
        account, session = col(AccountTable.account), col(SessionTable.session)
        is_open = col(SessionTable.status).not_in(ENDED)
        open_run = (account == literal(names.run_account("")) + session) & is_open
        runs = select(_USED).select_from(AccountTable).join(SessionTable, open_run)
        tenants = select(_USED).where(account.contains("tenant:"), account.endswith(f":{day}"))
        used = {"run": await self._scalar(runs), "tenant": await self._scalar(tenants)}
        return {kind: float(share) for kind, share in used.items() if share is not None}

    async def bytes(self) -> int:
        """The size of the database."""
        async with self._transactions.begin() as db:
            dialect = (await db.connection()).dialect.name
        postgres = "SELECT pg_database_size(current_database())"
        sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return int(await self._scalar(text(postgres if dialect == "postgresql" else sqlite)))

    async def _scalar(self, wanted: Executable) -> Any:
        async with self._transactions.begin() as db:
            return (await (await db.connection()).execute(wanted)).scalar_one()
