"""The SQLite file: waiting for locks, failures, durability."""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from holdfast_activities.state import open_state
from holdfast_activities.state.log.sqlite import connect, prepare_file
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import SqliteLocation, locate
from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry, UserEntry

ENTRY: Entry = UserEntry(seq=1, text="x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "state 100%.db"


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the file."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def test_the_folder_and_the_file_are_created(path: Path) -> None:
    state = await open_state(f"sqlite:///{path}")
    await state.log.settle("s", [ENTRY])
    await state.close()
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT session, seq FROM holdfast_log").fetchall() == [("s", 1)]


def test_creating_a_file_waits_for_another_program(path: Path, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StateUnavailable, match="locked"):
        prepare_file(SqliteLocation(path, busy_seconds=0.1))
    # SQLite itself does not wait here.
    assert time.monotonic() - began >= 0.1
    other.execute("COMMIT")
    prepare_file(SqliteLocation(path, busy_seconds=0.1))
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_write_behind_a_lock_times_out_and_succeeds_later(
    path: Path, other: sqlite3.Connection
) -> None:
    state = await open_state(f"sqlite:///{path}?busy_seconds=0.05")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateUnavailable, match="locked"):
        await state.log.settle("s", [ENTRY])
    with pytest.raises(StateUnavailable, match="locked"):
        await state.open_session("s", "a", "d", "t")
    assert await state.log.read("s", 0) == []
    other.execute("COMMIT")
    assert await state.log.settle("s", [ENTRY]) == [ENTRY]
    await state.close()


async def test_a_write_waits_for_another_program(path: Path, other: sqlite3.Connection) -> None:
    state = await open_state(f"sqlite:///{path}")
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(state.log.settle("s", [ENTRY]))
    await state.log.read("s", 0)  # readers do not wait, and the writer has begun by now
    assert not waiting.done()
    other.execute("COMMIT")
    assert await waiting == [ENTRY]
    await state.close()


async def test_entries_settled_together_are_written_all_or_none(
    path: Path, other: sqlite3.Connection
) -> None:
    state = await open_state(f"sqlite:///{path}")
    other.execute(
        "CREATE TRIGGER stop BEFORE INSERT ON holdfast_log WHEN NEW.seq = 3 BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(StateUnavailable, match="no"):
        await state.log.settle("s", [UserEntry(seq=seq, text="x") for seq in (1, 2, 3)])
    assert await state.log.read("s", 0) == []
    await state.close()


async def test_waiting_writes_finish_at_close(path: Path) -> None:
    state = await open_state(f"sqlite:///{path}")
    writes = [asyncio.create_task(state.log.settle("s", [UserEntry(seq=n, text="x")])) for n in range(50)]
    await asyncio.sleep(0)  # let them hand in their jobs
    await state.close()
    assert len(await asyncio.gather(*writes)) == 50
    with pytest.raises(StateUnavailable, match="closed"):
        await state.log.settle("s", [ENTRY])


async def test_a_log_serves_several_event_loops(path: Path) -> None:
    state = await open_state(f"sqlite:///{path}")
    elsewhere = await asyncio.to_thread(asyncio.run, state.log.settle("s", [ENTRY]))
    assert elsewhere == await state.log.read("s", 0)
    await state.close()


@pytest.mark.parametrize(("option", "level"), [("", 2), ("?synchronous=full", 2), ("?synchronous=normal", 1)])
async def test_every_connection_uses_the_synchronous_option(path: Path, option: str, level: int) -> None:
    location = locate(f"sqlite:///{path}{option}")
    await (await open_state(f"sqlite:///{path}{option}")).close()
    assert isinstance(location, SqliteLocation)
    with closing(connect(location)) as hot:
        assert hot.execute("PRAGMA synchronous").fetchone() == (level,)
    engine = make_engine(location)
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == level
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
    await engine.dispose()


@pytest.fixture
def folder_that_is_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file"


@pytest.fixture
def file_of_another_kind(tmp_path: Path) -> Path:
    (tmp_path / "other.db").write_bytes(b"something else entirely" * 100)
    return tmp_path / "other.db"


async def test_a_file_that_cannot_be_created_is_unavailable(folder_that_is_a_file: Path) -> None:
    with pytest.raises(StateUnavailable):
        await open_state(f"sqlite:///{folder_that_is_a_file / 'state.db'}")


async def test_a_file_that_is_not_a_database_is_unavailable(file_of_another_kind: Path) -> None:
    with pytest.raises(StateUnavailable, match="not a database"):
        await open_state(f"sqlite:///{file_of_another_kind}")


async def test_a_damaged_file_is_named_without_the_statement(path: Path) -> None:
    await (await open_state(f"sqlite:///{path}")).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE holdfast_identity")
    with pytest.raises(StateUnavailable, match=r"no such table: holdfast_identity\)"):
        await open_state(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        changed = "name = CAST(x'ff41' AS TEXT), sql = CAST(x'ff42' AS TEXT)"
        connection.execute(f"UPDATE sqlite_master SET {changed} WHERE name = 'holdfast_revision'")
    with pytest.raises(StateUnavailable, match="damaged, restore a backup"):
        await open_state(f"sqlite:///{path}")


async def test_a_read_only_file_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    # Outside of pytest's folder, which another user may not enter: root may write everywhere.
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "state.db"
        await (await open_state(f"sqlite:///{file}")).close()
        file.chmod(0o444)
        Path(name).chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65_534)
        try:
            with pytest.raises(StateUnavailable, match=r"readonly|unable to open"):
                await open_state(f"sqlite:///{file}")
        finally:
            os.seteuid(os.getuid())
            Path(name).chmod(0o755)
