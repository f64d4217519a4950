"""Verification finds every edit of the audit log, and where."""

import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import State, open_state
from holdfast_activities.state.audit.exporting import export, read_exports
from holdfast_activities.state.audit.heads import Export
from holdfast_activities.state.audit.verifying import Finding, Report, verify

from .edits import EDITS, Tables
from .test_appending import record

TENANTS = ("", "acme", "globex")


class Falsified:
    """A state database whose audit log can be falsified, with what an auditor has: the key and exported heads."""

    def __init__(self, state: State, keys: SigningKeys, path: Path, folder: Path) -> None:
        self.state = state
        self.keys = keys
        self.folder = folder
        self.database = sqlite3.connect(path)
        self.older: list[Tables] = []

    async def fill(self) -> None:
        """Write and export records in several rounds; the last ones are not exported yet."""
        for turn in range(4):
            for n in range(4):
                await self.state.append_audit(
                    *(record(f"{turn}-{n}-{tenant}", tenant, principal=f"p{n}") for tenant in TENANTS)
                )
            if turn < 3:
                await export(self.state.audit, self.keys, self.state.identity.id, str(self.folder), turn)
                self.older.append(Tables.read(self.database))
        # The newest exported state is not an older one: nothing shows that later records are gone.
        del self.older[-1]
        for trigger in ("update", "delete"):
            self.database.execute(f"DROP TRIGGER holdfast_audit_no_{trigger}")
        self.database.execute("DROP INDEX ix_holdfast_audit_id")
        self.database.execute("ALTER TABLE holdfast_audit RENAME TO old")
        self.database.execute("CREATE TABLE holdfast_audit AS SELECT * FROM old")
        self.genuine = Tables.read(self.database)

    async def verify(
        self, exports: Sequence[Export] | None = None, keys: SigningKeys | None = None
    ) -> Report:
        return await verify(
            self.state.audit,
            keys or self.keys,
            read_exports(self.folder) if exports is None else exports,
            database=self.state.identity.id,
        )

    async def edit(self, chance: random.Random) -> str:
        """Falsify the genuine log in some way; the name of the edit."""
        tables, how = self.genuine.copy(), chance.choice(EDITS)
        how(tables, chance.choice(TENANTS), chance, self.older)
        tables.write(self.database)
        return how.__name__


@pytest.fixture
async def falsified(tmp_path: Path) -> AsyncIterator[Falsified]:
    keys = SigningKeys.new()
    path = tmp_path / "state.db"
    state = await open_state(f"sqlite:///{path}?synchronous=normal", keys=keys)
    made = Falsified(state, keys, path, tmp_path / "exports")
    await made.fill()
    yield made
    made.database.close()
    await state.close()


def found(report: Report) -> list[tuple[str, int, str]]:
    return [(each.tenant, each.n, each.fault) for each in report.findings]


async def test_a_genuine_log_has_no_finding(falsified: Falsified) -> None:
    report = await falsified.verify()
    assert report.findings == []
    assert (report.tenants, report.records, report.heads, report.notes) == (3, 48, 9, [])


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_no_random_edit_stays_undetected(falsified: Falsified, count: int) -> None:
    chance = random.Random(15)
    edits = [(await falsified.edit(chance), (await falsified.verify()).findings) for _ in range(count)]
    assert [how for how, findings in edits if not findings] == []
    assert {how for how, _ in edits} == {edit.__name__ for edit in EDITS}


async def test_without_signatures_and_exported_heads_some_edits_stay_undetected(
    falsified: Falsified,
) -> None:
    chance, undetected = random.Random(15), set[str]()
    for _ in range(100):
        how = await falsified.edit(chance)
        report = await verify(falsified.state.audit, None)
        if not report.findings:
            undetected.add(how)
        assert len(report.notes) == 2
    assert {"restore_an_older_copy", "cut_the_tail_with_its_head", "rewrite_from_a_record"} <= undetected


async def test_a_finding_says_where(falsified: Falsified) -> None:
    tables = falsified.genuine.copy()
    tables.of("acme")[4].update(principal="mallory")
    tables.rows.remove(tables.of("globex")[2])
    for row in tables.of("")[13:]:
        tables.rows.remove(row)
    tables.write(falsified.database)
    assert found(await falsified.verify()) == [
        ("", 14, "cut"),
        ("acme", 5, "changed"),
        ("globex", 3, "missing"),
    ]


async def test_another_key_is_found(falsified: Falsified) -> None:
    report = await falsified.verify(keys=SigningKeys.new())
    assert {"wrong_key", "export_changed"} <= {each.fault for each in report.findings}


async def test_edited_and_removed_exports_are_found(falsified: Falsified) -> None:
    exports = read_exports(falsified.folder)
    head = replace(exports[0].heads[0], n=3)
    edited = replace(exports[0], heads=(head, *exports[0].heads[1:]))
    assert found(await falsified.verify([edited, *exports[1:]])) == [("", 0, "export_changed")]
    assert {each.fault for each in (await falsified.verify(exports[:-1])).findings} == {"export_missing"}


async def test_exports_of_another_database_are_refused(falsified: Falsified) -> None:
    report = await verify(
        falsified.state.audit, falsified.keys, read_exports(falsified.folder), database="another"
    )
    assert Finding("", 0, "export_of_another", report.findings[0].detail) == report.findings[0]


async def test_one_tenant_can_be_verified_alone(falsified: Falsified) -> None:
    tables = falsified.genuine.copy()
    tables.rows.remove(tables.of("globex")[2])
    tables.write(falsified.database)
    log, exports = falsified.state.audit, read_exports(falsified.folder)
    assert (await verify(log, falsified.keys, exports, tenant="acme")).findings == []
    assert (await verify(log, falsified.keys, exports, tenant="globex")).findings != []
