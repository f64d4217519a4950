"""The chain of audit records, on both databases."""

import asyncio
import hashlib
import json
import uuid
from contextlib import suppress
from dataclasses import replace

import pytest

from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import State, open_state
from holdfast_activities.state.audit.chain import FIRST
from holdfast_activities.state.log.extra_writes import prepare, write
from holdfast_activities.state.log.extras import LogExtras
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.session.entries import UserEntry
from tests.activities.state.charges import effect, reserve
from tests.activities.state.test_migrations import run


def record(id: str, tenant: str, **fields: object) -> AuditRecord:
    given = {"kind": "operator", "action": "paused", "session": "s", "principal": "ann", "at": 1.5}
    return AuditRecord.model_validate({"id": id, "tenant": tenant, **given, **fields})


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid.uuid4().hex}"


async def ids(state: State, tenant: str) -> list[str]:
    return [row.id for row in await state.audit.rows(tenant)]


async def test_each_hash_covers_the_record_its_number_and_the_hash_before(state: State, tenant: str) -> None:
    await state.append_audit(record("a", tenant), record("b", tenant, reason="é\x00", details={"z": "1"}))
    await state.append_audit(record("c", tenant))
    previous = FIRST
    rows = await state.audit.rows(tenant)
    assert [(row.n, row.id) for row in rows] == [(1, "a"), (2, "b"), (3, "c")]
    for row in rows:
        text = f'{{"n":{row.n},"previous":"{previous}","record":{row.body}}}'
        assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert row.hash == previous
    assert AuditRecord.model_validate_json(rows[1].body) == record(
        "b", tenant, reason="é\ufffd", details={"z": "1"}
    )


async def test_a_record_is_written_once(state: State, tenant: str, session: str) -> None:
    entry = UserEntry(seq=1, turn=1, text="hello")
    extras = LogExtras(audit=[record("a", tenant), record("a", tenant)])
    for _ in range(2):
        await state.log.settle_with(session, [entry], extras)
    await state.append_audit(record("a", tenant), record("b", tenant))
    assert await ids(state, tenant) == ["a", "b"]


async def test_tenants_have_chains_of_their_own(state: State, tenant: str) -> None:
    await state.append_audit(record("a", tenant), record("a", f"{tenant}2"), record("b", tenant))
    assert [(row.n, row.id) for row in await state.audit.rows(tenant)] == [(1, "a"), (2, "b")]
    assert [(row.n, row.id) for row in await state.audit.rows(f"{tenant}2")] == [(1, "a")]


async def test_the_head_is_signed_with_each_write(url: str, tenant: str) -> None:
    keys = SigningKeys.new()
    state = await open_state(url, keys=keys)
    await state.append_audit(record("a", tenant))
    await state.append_audit(record("b", tenant))
    head, last = await state.audit.head(tenant), (await state.audit.rows(tenant))[-1]
    await state.close()
    assert head is not None
    assert (head.n, head.hash) == (2, last.hash)
    assert head.signed_by(keys)
    assert not head.signed_by(SigningKeys.new())
    for changed in ({"tenant": "u"}, {"n": 1}, {"hash": "0" * 64}):
        assert not replace(head, **changed).signed_by(keys)


async def test_concurrent_writers_make_one_chain(url: str, state: State, tenant: str) -> None:
    others = [await open_state(url) for _ in range(3)]
    tenants = [tenant, f"{tenant}2"]
    try:
        writers = [state, *others]
        await asyncio.gather(
            *(
                writers[n % 4].append_audit(
                    *(record(f"r{n}", name) for name in (tenants if n % 2 else tenants[::-1]))
                )
                for n in range(60)
            )
        )
    finally:
        for other in others:
            await other.close()
    for name in tenants:
        rows = await state.audit.rows(name)
        assert [row.n for row in rows] == list(range(1, 61))
        assert {row.id for row in rows} == {f"r{n}" for n in range(60)}


async def test_the_database_refuses_changed_and_removed_records(url: str, state: State, tenant: str) -> None:
    await state.append_audit(record("a", tenant))
    for change in ("UPDATE holdfast_audit SET principal = 'eve'", "DELETE FROM holdfast_audit"):
        with pytest.raises(Exception, match="append-only"):
            await run(url, change)
    assert await ids(state, tenant) == ["a"]


async def test_a_failed_write_leaves_no_record(state: State, tenant: str, session: str) -> None:
    entry = UserEntry(seq=1, turn=1, text="hello")
    broken = record("b", tenant, at=float("nan"))
    with pytest.raises(BadInput):
        await state.log.settle_with(session, [entry], LogExtras(audit=[record("a", tenant), broken]))
    assert await ids(state, tenant) == []
    assert await state.log.read(session, 0) == []


@pytest.mark.parametrize("id", ["", "a\x00", "x" * 501])
async def test_an_id_that_cannot_be_a_key_is_refused(state: State, tenant: str, id: str) -> None:
    with pytest.raises(BadInput, match="id of an audit record"):
        await state.append_audit(record(id, tenant))


async def test_the_outcome_of_an_effect_is_recorded_with_it(state: State, session: str) -> None:
    tenant = f"t-{session}"
    done = effect(f"{session}:1", "failed", session=session).model_copy(update={"tenant": tenant})
    claim = done.model_copy(update={"key": f"{session}:2", "status": "claimed"})
    await state.log.settle_with(session, [], LogExtras(effects=[done, claim]))
    await state.effects.mark(f"{session}:2", "unknown", result="lost")
    await state.effects.mark(f"{session}:2", "unknown", result="lost")
    settled = claim.model_copy(update={"status": "settled"})
    await state.log.settle_with(session, [], LogExtras(effects=[settled]))
    # The ledger refuses this one, so it is not recorded.
    await state.log.settle_with(
        session, [], LogExtras(effects=[settled.model_copy(update={"status": "failed"})])
    )
    found = [AuditRecord.model_validate_json(row.body) for row in await state.audit.rows(tenant)]
    assert [(each.subject, each.action) for each in found] == [
        (f"{session}:1", "failed"),
        (f"{session}:2", "unknown"),
        (f"{session}:2", "settled"),
    ]
    assert all(each.kind == "effect" and each.details["tool"] == "pay" for each in found)


def statements(extras: LogExtras) -> list[str]:
    """The SQL of a write, with an account for its charge."""
    made: list[str] = []
    writing = write([prepare(extras)])
    with suppress(StopIteration):
        sql, _ = next(writing)
        while True:
            made.append(sql)
            sql, _ = writing.send([("run:0", 0, 0)] if "INSERT INTO holdfast_account" in sql else [])
    return made


def test_a_step_without_records_runs_no_statement_for_them() -> None:
    charge = reserve("s", "run:0", 100, 10)
    claimed = effect("k", "claimed")
    for extras in (LogExtras(), LogExtras(charge=charge), LogExtras(effects=[claimed])):
        assert not [sql for sql in statements(extras) if "holdfast_audit" in sql]
