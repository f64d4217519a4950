"""A commit is in the journal exactly if it was made."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from holdfast_activities.state import State, open_state
from holdfast_activities.state.files.store import opened
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import locate
from holdfast_workflows.contracts.errors import StateReplaced, StateUnavailable
from holdfast_workflows.contracts.session.entries import UserEntry

from .conftest import journal, read
from .test_recovery import crashed, lines

_SPECS = "SELECT digest, body FROM holdfast_spec ORDER BY digest"


async def run(url: str, *statements: str, then: str = "COMMIT") -> list[tuple[str, str]]:
    """Run statements in one transaction; the specs that are there afterwards."""
    engine = make_engine(locate(url))
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)
            await (connection.commit() if then == "COMMIT" else connection.rollback())
            return [(digest, body) for digest, body in await connection.execute(text(_SPECS))]
    finally:
        await engine.dispose()


async def replayed(url: str, folder: Path) -> list[tuple[str, str]]:
    """The specs that a process finds which starts after a crash."""
    await crashed(url, folder)
    async with opened(locate(url), migrate=True):
        return await run(url)


INSERT = "INSERT INTO holdfast_spec VALUES ('a', 'one'), ('b', 'two')"


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM holdfast_spec WHERE digest = 'a'",),
        ("UPDATE holdfast_spec SET body = 'three' WHERE digest = 'a'",),
        ("UPDATE holdfast_spec SET digest = 'c' WHERE digest = 'a'",),
        ("DELETE FROM holdfast_spec", "INSERT INTO holdfast_spec VALUES ('a', 'four')"),
        ("WITH x AS (SELECT 'a' AS y) UPDATE holdfast_spec SET body = 'five' WHERE digest IN (SELECT y FROM x)",),
        ("INSERT INTO holdfast_spec VALUES ('a', '') ON CONFLICT (digest) DO UPDATE SET body = random()",),
        ("INSERT INTO holdfast_spec VALUES ('c', '')", "DELETE FROM holdfast_spec WHERE digest = 'c'"),
    ],
    ids=["removed", "changed", "another key", "removed and written", "with", "not deterministic", "undone"],
)  # fmt: skip
async def test_a_replay_gives_the_rows_that_were_committed(
    url: str, folder: Path, statements: tuple[str, ...]
) -> None:
    async with opened(locate(url), migrate=True) as store:
        await run(url, INSERT)
        made = await run(url, *statements)
        assert store is not None
        store.save = lambda **_: None  # type: ignore[method-assign] # so that the journal is replayed
    assert await replayed(url, folder) == made


async def test_a_transaction_that_was_rolled_back_is_not_in_the_journal(url: str, folder: Path) -> None:
    async with opened(locate(url), migrate=True):
        before = lines(journal(folder))
        assert await run(url, INSERT, then="ROLLBACK") == []
        assert lines(journal(folder)) == before


async def test_a_commit_that_the_index_refuses_is_taken_back(url: str, folder: Path) -> None:
    refused = (
        "PRAGMA foreign_keys = ON",
        "CREATE TEMP TABLE parent (x PRIMARY KEY)",
        "CREATE TEMP TABLE child (x REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO holdfast_spec VALUES ('c', 'three')",
        "INSERT INTO child VALUES (1)",
    )
    async with opened(locate(url), migrate=True):
        before = lines(journal(folder))
        with pytest.raises(IntegrityError):
            await run(url, *refused)
        assert lines(journal(folder)) == before
        await run(url, INSERT)
    assert await replayed(url, folder) == [("a", "one"), ("b", "two")]


async def test_a_write_that_is_on_no_disk_is_not_acknowledged(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await open_state(url)

    def full(_: int, __: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StateUnavailable, match="No space left"):
            await state.log.settle("s", [UserEntry(seq=1, text="1")])
    assert await state.log.read("s", 0) == []
    await state.log.settle("s", [UserEntry(seq=1, text="again")])
    await state.close()
    assert await read(url) == ["again"]


async def test_no_write_is_acknowledged_after_a_failed_flush(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await open_state(url)

    def failed(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("holdfast_activities.state.files.journal._flush", failed)
        with pytest.raises(StateUnavailable, match="could not be flushed"):
            await state.log.settle("s", [UserEntry(seq=1, text="1")])
    with pytest.raises(StateUnavailable, match="restart the worker"):
        await state.log.settle("s", [UserEntry(seq=2, text="2")])
    await state.close()


async def test_a_journal_that_was_deleted_takes_no_more_writes(url: str, folder: Path) -> None:
    state: State = await open_state(url)
    journal(folder).unlink()
    with pytest.raises(StateReplaced):
        await state.log.settle("s", [UserEntry(seq=1, text="1")])
    await state.close()
