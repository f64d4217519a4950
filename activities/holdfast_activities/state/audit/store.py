"""The audit log: append records, within a transaction or in one of their own, and read them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.control.audit import AuditRecord

from ..base import Log
from ..log.extra_writes import for_driver
from ..log.extras import LogExtras
from ..setup.tables import AuditHeadTable, AuditTable
from ..setup.transactions import Transactions
from .appending import Sign, append
from .chain import encode
from .heads import Head


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit log of all tenants."""

    log: Log
    transactions: Transactions
    sign: Sign | None = None

    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Append records in a transaction of its own; a record that is there already is not written again."""
        if records:
            await self.log.settle_with("audit", (), LogExtras(audit=records))

    async def append_in(self, db: AsyncSession, records: Iterable[AuditRecord]) -> None:
        """Append records in a transaction that has already written, after its other writes."""
        statements = append([encode(record) for record in records], self.sign)
        connection = await db.connection()
        found: list[tuple[object, ...]] = []
        try:
            sql, rows = next(statements)
            while True:
                [values] = rows
                result = await connection.exec_driver_sql(
                    for_driver(sql, connection.dialect.name), tuple(values)
                )
                found = [tuple(row) for row in result] if result.returns_rows else []
                sql, rows = statements.send(found)
        except StopIteration:
            return

    async def rows(self, tenant: str, after: int = 0, limit: int = 1_000) -> list[AuditTable]:
        """A part of a tenant's chain, in order."""
        wanted = select(AuditTable).where(col(AuditTable.tenant) == tenant, col(AuditTable.n) > after)
        return await self.transactions.all(wanted.order_by(col(AuditTable.n)).limit(limit))

    async def head(self, tenant: str) -> Head | None:
        """The head of a tenant's chain."""
        row = await self.transactions.get(AuditHeadTable, tenant)
        return None if row is None else Head(row.tenant, row.n, row.hash, row.key, row.signature)
