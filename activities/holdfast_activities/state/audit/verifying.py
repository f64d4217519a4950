"""Verify the audit log: compute every hash again, and compare the ends of the chains with signed heads.

The hashes alone show a change by a person who does not compute them again. Signatures of heads show one who does and
lacks the key. Exported heads show a chain that was cut or taken back to an earlier state, with its head.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities.signing.keys import SigningKeys

from ..setup.tables import AuditHeadTable, AuditTable
from .chain import FIRST, digest
from .heads import Export, Head
from .store import AuditLog

Fault = Literal[
    "changed", "missing", "unordered", "cut", "rewritten", "head_missing", "head_changed", "head_unsigned", "wrong_key",
    "export_changed", "export_missing", "export_of_another",
]  # fmt: skip

_PAGE: Final = 1_000
_COLUMNS: Final = ("tenant", "id", "kind", "session", "principal", "at")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, at a record of a tenant's chain; ``n`` is 0 for one that concerns the chain as a whole."""

    tenant: str
    n: int
    fault: Fault
    detail: str


@dataclass
class Report:
    """What was verified, and what was found. ``notes`` say what could not be found out."""

    tenants: int = 0
    records: int = 0
    heads: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])

    def add(self, tenant: str, n: int, fault: Fault, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(tenant, n, fault, detail))


async def verify(
    log: AuditLog,
    keys: SigningKeys | None,
    exports: Sequence[Export] = (),
    *,
    database: str = "",
    tenant: str | None = None,
) -> Report:
    """Verify the chains of all tenants, or of one, as they are at one moment.

    ``exports`` are all exported heads; ``database`` is the identity of the state database, which they must have.
    """
    report = Report()
    if keys is None:
        report.notes.append("no key was given: signatures of heads were not checked")
    if not exports:
        report.notes.append(
            "no exported heads were given: a cut tail or a restored older copy cannot be found"
        )
    exported = _accepted(exports, keys, database, report)
    async with log.snapshot() as db:
        heads = {row.tenant: row for row in await db.exec(select(AuditHeadTable))}
        own = set((await db.exec(select(AuditTable.tenant).distinct())).all())
        for name in sorted(own | heads.keys() | exported.keys() if tenant is None else {tenant}):
            report.tenants += 1
            await _Chain(report, name, keys, exported.get(name, []), given=bool(exports)).verify(
                _rows(db, name), heads.get(name)
            )
    return report


def _accepted(
    exports: Iterable[Export], keys: SigningKeys | None, database: str, report: Report
) -> dict[str, list[Head]]:
    """The heads of exports that can be trusted, by tenant."""
    found: dict[str, list[Head]] = {}
    for export in exports:
        if keys is not None and not export.signed_by(keys):
            report.add("", 0, "export_changed", f"the signature of exported heads {export.name} is not valid")
            continue
        if database and export.database != database:
            report.add(
                "", 0, "export_of_another", f"exported heads {export.name} are of another state database"
            )
            continue
        for head in export.heads:
            report.heads += 1
            found.setdefault(head.tenant, []).append(head)
    return found


async def _rows(db: AsyncSession, tenant: str) -> AsyncIterator[AuditTable]:
    after = None
    while True:
        wanted = select(AuditTable).where(col(AuditTable.tenant) == tenant)
        if after is not None:
            wanted = wanted.where(col(AuditTable.n) > after)
        page = (await db.exec(wanted.order_by(col(AuditTable.n)).limit(_PAGE))).all()
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = page[-1].n
        db.expunge_all()


class _Chain:
    """The verification of one tenant's chain."""

    def __init__(
        self,
        report: Report,
        tenant: str,
        keys: SigningKeys | None,
        exported: Collection[Head],
        *,
        given: bool,
    ) -> None:
        self._report = report
        self._tenant = tenant
        self._keys = keys
        self._exported = exported
        self._given = given
        self._n, self._last = 0, FIRST

    def _add(self, n: int, fault: Fault, detail: str) -> None:
        self._report.add(self._tenant, n, fault, detail)

    async def verify(self, rows: AsyncIterator[AuditTable], head: AuditHeadTable | None) -> None:
        """Compute the chain again, and compare it with its head and with exported ones."""
        wanted = {each.n for each in self._exported} | ({head.n} if head else set[int]())
        hashes: dict[int, str] = {}
        async for row in rows:
            self._report.records += 1
            self._row(row)
            if row.n in wanted:
                hashes[row.n] = row.hash
        self._head(head, hashes)
        for each in self._exported:
            self._compare(each, hashes)
        newest = max((each.n for each in self._exported), default=0)
        if self._given and head is not None and head.exported > newest:
            self._add(
                head.exported,
                "export_missing",
                f"a head of record {head.exported:,} was exported and is not among those given",
            )

    def _row(self, row: AuditTable) -> None:
        follows = row.n == self._n + 1
        if not follows:
            first, last = self._n + 1, row.n - 1
            self._add(first, "missing", f"records {first:,} to {last:,} are missing")
        elif digest(row.n, self._last, row.body) != row.hash:
            self._add(
                row.n,
                "changed",
                f"record {row.n:,} or its place was changed: its hash is not that of its content",
            )
        if differing := _differing(row):
            self._add(row.n, "changed", f"record {row.n:,}: {', '.join(differing)} is not as in its content")
        self._n, self._last = row.n, row.hash

    def _head(self, head: AuditHeadTable | None, hashes: dict[int, str]) -> None:
        if head is None or not head.n:
            if self._n:
                self._add(self._n, "head_missing", f"the chain of {self._n:,} records has no head")
            return
        if head.n > self._n:
            self._add(
                self._n + 1, "cut", f"the chain ends at record {self._n:,}; its head is of record {head.n:,}"
            )
        elif head.n < self._n:
            self._add(
                head.n + 1, "head_changed", f"there are {self._n:,} records; the head is of record {head.n:,}"
            )
        if head.n in hashes and hashes[head.n] != head.hash:
            self._add(head.n, "head_changed", f"the hash of record {head.n:,} is not that of the head")
        self._signature(head)

    def _signature(self, head: AuditHeadTable) -> None:
        if self._keys is None:
            return
        if not head.signature:
            self._add(head.n, "head_unsigned", "the head is not signed")
        elif not self._keys.knows(head.key):
            self._add(head.n, "wrong_key", f"the head is signed by key {head.key}, which was not given")
        elif not Head.of(head).signed_by(self._keys):
            self._add(head.n, "head_changed", "the signature of the head is not valid")

    def _compare(self, head: Head, hashes: dict[int, str]) -> None:
        if head.n > self._n:
            self._add(
                self._n + 1, "cut", f"the chain ends at record {self._n:,}; record {head.n:,} was exported"
            )
        elif hashes.get(head.n) != head.hash:
            self._add(
                head.n,
                "rewritten",
                f"record {head.n:,} or one before it is not the one whose head was exported",
            )


def _differing(row: AuditTable) -> list[str]:
    """The columns that differ from the record's content."""
    try:
        record = json.loads(row.body)
        return [name for name in _COLUMNS if record.get(name) != getattr(row, name)]
    except (ValueError, AttributeError):
        return ["content"]
