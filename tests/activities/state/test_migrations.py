"""The tables and their migrations, on both databases."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from holdfast_activities.state import open_state, upgrade
from holdfast_activities.state.log.sqlite import prepare_file
from holdfast_activities.state.migrations import REVISIONS, VERSION_TABLE
from holdfast_activities.state.setup import migrate
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import SqliteLocation, locate
from holdfast_activities.state.setup.tables import METADATA
from holdfast_workflows.contracts.errors import StateNotMigrated
from holdfast_workflows.contracts.session.entries import UserEntry


async def run(url: str, statement: str) -> None:
    engine = make_engine(locate(url))
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()


async def differences(url: str) -> list[Any]:
    """The changes that Alembic would make to match ``tables.py``."""

    def compare(connection: Connection) -> list[Any]:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    engine = make_engine(locate(url))
    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def test_the_migrations_create_the_tables_of_the_models(empty_url: str) -> None:
    await upgrade(empty_url)
    assert await differences(empty_url) == []


async def test_upgrading_again_changes_nothing(empty_url: str) -> None:
    await upgrade(empty_url)
    state = await open_state(empty_url)
    await state.log.settle("s", [UserEntry(seq=1, text="kept")])
    await upgrade(empty_url)
    assert await state.log.read("s", 0) == [UserEntry(seq=1, text="kept")]
    await state.close()


@pytest.mark.parametrize("revision", ["base", *REVISIONS[:-1]])
async def test_a_database_at_an_old_revision_is_upgraded(empty_url: str, revision: str) -> None:
    if isinstance(location := locate(empty_url), SqliteLocation):
        prepare_file(location)
    engine = make_engine(location)
    async with engine.begin() as connection:
        await connection.run_sync(migrate.run_alembic, revision)
    await engine.dispose()
    with pytest.raises(StateNotMigrated):
        await open_state(empty_url, migrate=False)
    state = await open_state(empty_url, migrate=True)
    await state.ping()
    await state.close()
    assert await differences(empty_url) == []


async def test_an_upgrade_keeps_existing_rows(empty_url: str) -> None:
    if isinstance(location := locate(empty_url), SqliteLocation):
        prepare_file(location)
    engine = make_engine(location)
    async with engine.begin() as connection:
        await connection.run_sync(migrate.run_alembic, "0001")
    await engine.dispose()
    await run(empty_url, "INSERT INTO holdfast_spec VALUES ('d', 'the spec')")
    await run(
        empty_url,
        """INSERT INTO holdfast_log VALUES ('s', 1, '{"kind":"user","seq":1,"text":"kept"}')""",
    )
    await upgrade(empty_url)
    state = await open_state(empty_url)
    assert await state.load_spec("d") == "the spec"
    assert await state.log.read("s", 0) == [UserEntry(seq=1, text="kept")]
    assert await state.budgets.list() == []
    await state.close()


async def test_opening_creates_tables_in_sqlite_but_not_in_postgresql(empty_url: str) -> None:
    if isinstance(locate(empty_url), SqliteLocation):
        state = await open_state(empty_url)
        await state.ping()
        await state.close()
    else:
        with pytest.raises(StateNotMigrated, match="holdfast state upgrade"):
            await open_state(empty_url)
        await upgrade(empty_url)
        await (await open_state(empty_url)).close()


async def test_opening_without_migrating_creates_nothing(empty_url: str) -> None:
    with pytest.raises(StateNotMigrated, match="holdfast state upgrade"):
        await open_state(empty_url, migrate=False)
    if isinstance(location := locate(empty_url), SqliteLocation):
        assert not location.path.exists()


async def test_a_database_of_a_newer_version_is_used(
    empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await upgrade(empty_url)
    await run(empty_url, "ALTER TABLE holdfast_session ADD COLUMN later TEXT DEFAULT 'x' NOT NULL")
    await run(empty_url, f"UPDATE {VERSION_TABLE} SET version_num = 'f00d'")
    state = await open_state(empty_url)
    assert "newer" in caplog.text
    await state.open_session("s", "a", "d", "t")
    assert await state.load_session("s") is not None
    await state.close()


async def test_an_applications_tables_may_be_in_the_same_database(empty_url: str) -> None:
    if isinstance(location := locate(empty_url), SqliteLocation):
        prepare_file(location)
    await run(empty_url, "CREATE TABLE alembic_version (version_num TEXT)")
    await run(empty_url, "INSERT INTO alembic_version VALUES ('of the application')")
    await upgrade(empty_url)
    await (await open_state(empty_url)).close()


def test_revisions_match_the_scripts_in_order() -> None:
    scripts = ScriptDirectory(str(migrate.FOLDER))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
