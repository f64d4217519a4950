"""Rules of retention. They are in the database, so that every worker and every app that shares it has the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import col, select

from holdfast_activities import clock
from holdfast_workflows.contracts.operations.retention import (
    ALL_TENANTS,
    BUILT_IN,
    RetentionKind,
    RetentionRule,
    SetRetention,
)
from holdfast_workflows.contracts.text.unicode import clean

from ..setup.tables import RetentionTable
from ..setup.transactions import Transactions

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules at one time."""

    stored: tuple[RetentionRule, ...]

    def rule(self, tenant: str, kind: RetentionKind) -> RetentionRule:
        """The rule that applies to a tenant: its own, that of all tenants, or the built-in one."""
        for owner in (tenant, ALL_TENANTS):
            for each in self.stored:
                if (each.tenant, each.kind) == (owner, kind):
                    return each
        return RetentionRule(tenant=ALL_TENANTS, kind=kind, days=BUILT_IN[kind])

    def before(self, tenant: str, kind: RetentionKind, now: float) -> float:
        """The time before which a tenant's content is past its time; 0 without a limit."""
        days = self.rule(tenant, kind).days
        return 0.0 if days is None else now - days * DAY

    def latest(self, kinds: Sequence[RetentionKind], now: float) -> float:
        """The time before which some tenant's content of these kinds is past its time."""
        tenants = {ALL_TENANTS, *(each.tenant for each in self.stored)}
        return max(self.before(tenant, kind, now) for tenant in tenants for kind in kinds)

    def of(self, tenant: str | None) -> tuple[RetentionRule, ...]:
        """The rules that apply to a tenant; for None those of all tenants, and all that tenants have of their own."""
        own = tuple(each for each in self.stored if tenant is None and each.tenant != ALL_TENANTS)
        return (*(self.rule(ALL_TENANTS if tenant is None else tenant, kind) for kind in BUILT_IN), *own)


class RetentionRules:
    """Reads and changes the rules."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def load(self) -> Rules:
        """Read all rules."""
        order = col(RetentionTable.tenant), col(RetentionTable.kind)
        rows = await self._transactions.all(select(RetentionTable).order_by(*order))
        return Rules(tuple(RetentionRule.model_validate(row.model_dump()) for row in rows))

    async def set(self, change: SetRetention) -> None:
        """Set or remove one rule."""
        tenant = clean(change.tenant)
        if change.reset:
            own = col(RetentionTable.tenant) == tenant, col(RetentionTable.kind) == change.kind
            await self._transactions.write(delete(RetentionTable).where(*own))
            return
        values = {"days": change.days, "by": clean(change.by), "at": clock.now()}
        row = {"tenant": tenant, "kind": change.kind, **values}
        await self._transactions.write(self._transactions.upsert(RetentionTable, row, values))
