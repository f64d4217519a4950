"""The audit log: append records, within a transaction or in one of their own, and read them."""

import builtins
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.control.audit import AuditEntry, AuditRecord, ListAudit

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
        found: builtins.list[tuple[object, ...]] = []
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

    async def rows(self, tenant: str, after: int = 0, limit: int = 1_000) -> builtins.list[AuditTable]:
        """A part of a tenant's chain, in order."""
        wanted = select(AuditTable).where(col(AuditTable.tenant) == tenant, col(AuditTable.n) > after)
        return await self.transactions.all(wanted.order_by(col(AuditTable.n)).limit(limit))

    async def list(self, wanted: ListAudit) -> builtins.list[AuditEntry]:
        """The newest records that fit, in the order of their times."""
        query = select(AuditTable)
        for column, value in (
            (col(AuditTable.session), wanted.session or None),
            (col(AuditTable.tenant), wanted.tenant),
            (col(AuditTable.principal), wanted.principal or None),
            (col(AuditTable.kind), wanted.kind or None),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.since:
            query = query.where(col(AuditTable.at) >= wanted.since)
        if wanted.until:
            query = query.where(col(AuditTable.at) < wanted.until)
        newest = query.order_by(
            col(AuditTable.at).desc(), col(AuditTable.tenant).desc(), col(AuditTable.n).desc()
        )
        rows = await self.transactions.all(newest.limit(wanted.limit))
        return [
            AuditEntry(n=row.n, hash=row.hash, record=AuditRecord.model_validate_json(row.body))
            for row in reversed(rows)
        ]

    async def head(self, tenant: str) -> Head | None:
        """The head of a tenant's chain."""
        row = await self.transactions.get(AuditHeadTable, tenant)
        return None if row is None else Head.of(row)

    async def unexported(self) -> builtins.list[Head]:
        """The heads that have moved since they were exported."""
        moved = select(AuditHeadTable).where(col(AuditHeadTable.n) > col(AuditHeadTable.exported))
        return [
            Head.of(row) for row in await self.transactions.all(moved.order_by(col(AuditHeadTable.tenant)))
        ]

    async def ends_with(self, head: Head) -> bool:
        """Whether the chain's record of the head's number has the head's hash."""
        row = await self.transactions.get(AuditTable, (head.tenant, head.n))
        return row is not None and row.hash == head.hash

    async def set_exported(self, heads: Sequence[Head]) -> None:
        """Note that heads were exported."""
        n = col(AuditHeadTable.exported)
        async with self.transactions.begin() as db:
            for head in heads:
                own = col(AuditHeadTable.tenant) == head.tenant
                await db.exec(update(AuditHeadTable).where(own, n < head.n).values(exported=head.n))

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that sees the database as it is at one moment."""
        async with self.transactions.begin() as db:
            connection = await db.connection()
            postgres = connection.dialect.name == "postgresql"
            # The driver of SQLite does not begin a transaction before it reads.
            begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY" if postgres else "BEGIN"
            await connection.exec_driver_sql(begin)
            yield db
