"""Backups are restored whole, into either database, or not at all."""

import asyncio
import gzip
from pathlib import Path

import pytest

from holdfast_activities.state import open_state, upgrade
from holdfast_activities.state.backup.file import BackupWriter, Header
from holdfast_activities.state.backup.folder import check
from holdfast_activities.state.backup.restoring import fill, restore
from holdfast_activities.state.backup.writing import back_up
from holdfast_activities.state.migrations import VERSION_TABLE
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import locate
from holdfast_activities.state.setup.tables import METADATA
from holdfast_workflows.contracts.errors import (
    BackupDamaged,
    BackupFailed,
    BackupUnreadable,
    BadInput,
    StateInUse,
    StateNotEmpty,
    StateNotMigrated,
)
from holdfast_workflows.contracts.session.entries import UserEntry

from ...conftest import DATABASES
from ..test_migrations import run


async def everything(url: str) -> dict[str, list[str]]:
    """All rows by table, in an order that both databases share."""
    engine, found = make_engine(locate(url)), dict[str, list[str]]()
    async with engine.connect() as connection:
        for name, table in METADATA.tables.items():
            rows = (await connection.execute(table.select())).all()
            found[name] = sorted(str(tuple(row)) for row in rows)
    await engine.dispose()
    return found


@pytest.fixture(params=DATABASES)
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of another place."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'elsewhere' / 'state.db'}"
    url: str = await request.getfixturevalue("postgres_server").create(f"restored_{tmp_path.name[-40:]}")
    return url


async def test_a_backup_of_either_database_is_restored_into_either(
    filled: str, folder: Path, target: str
) -> None:
    made = await back_up(filled, folder)
    header, footer = await restore(made.path, target)
    before, after = await everything(filled), await everything(target)
    assert after == before
    assert (header, footer.rows) == (made.header, sum(map(len, before.values())))
    state = await open_state(target, migrate=False)
    assert state.identity.id == made.header.database
    await state.log.settle("s", [UserEntry(seq=3, turn=2, text="Two.")])
    assert [entry.seq for entry in await state.log.read("s", 0)] == [1, 2, 3]
    await state.close()


async def test_of_two_restores_at_once_one_is_whole_and_one_is_refused(
    sqlite_filled: str, folder: Path, target: str
) -> None:
    made = await back_up(sqlite_filled, folder)
    ended = await asyncio.gather(
        restore(made.path, target), restore(made.path, target), return_exceptions=True
    )
    refused = [each for each in ended if isinstance(each, BaseException)]
    assert [type(each) for each in refused] in ([StateInUse], [StateNotEmpty])
    assert await everything(target) == await everything(sqlite_filled)


async def test_two_backups_of_the_same_second_do_not_mix(folder: Path) -> None:
    header, path = Header("0" * 32, "here", "1", 0.0), folder / "one.backup"
    writers = [BackupWriter.open(path, header), BackupWriter.open(path, header)]
    for writer in writers:
        writer.table("texts", ["text"])
        writer.rows([["One."]])
    for writer in writers:
        writer.finish()
        assert check(path)[1].rows == 1
    assert list(folder.iterdir()) == [path]


async def test_a_database_with_content_is_not_restored_into(sqlite_filled: str, folder: Path) -> None:
    made = await back_up(sqlite_filled, folder)
    before = await everything(sqlite_filled)
    with pytest.raises(StateNotEmpty):
        await restore(made.path, sqlite_filled)
    assert await everything(sqlite_filled) == before


@pytest.mark.parametrize("damage", ["cut", "flipped", "changed", "without a row"])
async def test_nothing_of_a_damaged_backup_is_restored(
    sqlite_filled: str, folder: Path, tmp_path: Path, damage: str
) -> None:
    path = (await back_up(sqlite_filled, folder)).path
    data = path.read_bytes()
    lines = gzip.decompress(data).splitlines(keepends=True)
    if damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "flipped":
        path.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
    elif damage == "changed":
        path.write_bytes(gzip.compress(b"".join(lines).replace(b"One.", b"Two.")))
    else:
        path.write_bytes(gzip.compress(b"".join(line for line in lines if b"One." not in line)))
    with pytest.raises(BackupDamaged):
        await restore(path, f"sqlite:///{tmp_path}/new/state.db")
    assert not list((tmp_path / "new").glob("*"))


async def test_rows_that_do_not_arrive_as_they_were_sent_are_noticed(
    sqlite_filled: str, folder: Path, tmp_path: Path
) -> None:
    path = (await back_up(sqlite_filled, folder)).path
    target = f"sqlite:///{tmp_path}/lossy.db"
    await upgrade(target)
    await run(
        target,
        """CREATE TRIGGER lossy AFTER INSERT ON holdfast_log
        BEGIN UPDATE holdfast_log SET body = 'x' WHERE session = new.session; END""",
    )
    with pytest.raises(BackupDamaged, match="holdfast_log"):
        await fill(path, locate(target))
    assert not (await everything(target))["holdfast_log"]


async def test_a_backup_of_a_newer_version_is_refused(
    sqlite_filled: str, folder: Path, tmp_path: Path
) -> None:
    await run(sqlite_filled, "UPDATE holdfast_revision SET version_num = 'f00d'")
    made = await back_up(sqlite_filled, folder)
    assert made.header.revision == "f00d"
    with pytest.raises(BackupUnreadable, match="f00d"):
        await restore(made.path, f"sqlite:///{tmp_path}/new.db")


async def test_a_backup_has_columns_that_this_version_does_not_know(sqlite_filled: str, folder: Path) -> None:
    await run(sqlite_filled, "ALTER TABLE holdfast_session ADD COLUMN later TEXT DEFAULT 'canary' NOT NULL")
    await run(sqlite_filled, f"UPDATE {VERSION_TABLE} SET version_num = 'later'")
    made = await back_up(sqlite_filled, folder)
    assert b'"canary"' in gzip.decompress(made.path.read_bytes())


async def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.backup"
    path.write_bytes(gzip.compress(b'{"holdfast_backup": 2}\n'))
    with pytest.raises(BadInput, match="format 2"):
        await restore(path, f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(BadInput, match="No such file"):
        await restore(tmp_path / "missing", f"sqlite:///{tmp_path}/new.db")


async def test_a_database_without_tables_is_not_backed_up(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StateNotMigrated):
        await back_up(f"sqlite:///{tmp_path}/new.db", folder)
    assert not (tmp_path / "new.db").exists()
    assert not folder.exists()


async def test_a_folder_that_cannot_be_written_is_named(sqlite_filled: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupFailed, match=str(tmp_path / "file")):
        await back_up(sqlite_filled, tmp_path / "file" / "backups")


async def test_a_write_that_fails_leaves_no_file(
    sqlite_filled: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BackupFailed, match="No space left"):
        await back_up(sqlite_filled, folder)
    assert list(folder.iterdir()) == []


async def test_only_the_owner_can_read_a_backup(sqlite_filled: str, folder: Path) -> None:
    made = await back_up(sqlite_filled, folder)
    assert made.path.stat().st_mode & 0o777 == 0o600
