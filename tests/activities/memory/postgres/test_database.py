"""The database: making the tables, connections that break, writers that wait, and what it may not be asked."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from holdfast_activities.memory import Filter, upgrade_memories
from holdfast_activities.memory.embedded import EmbeddedStore, open_postgres
from holdfast_activities.memory.embedded.postgres import postgres
from holdfast_activities.memory.guard.guarded import READ_SECONDS
from holdfast_activities.state import open_state, upgrade
from holdfast_activities.state.setup.location import PostgresLocation, locate
from holdfast_workflows.contracts.errors import BadInput, MemoryUnavailable
from tests.postgres_server import PostgresServer

from ..conformance.records import COLLECTION, angle, fact, ids

Open = Callable[[], Awaitable[EmbeddedStore]]


@pytest.fixture
async def url(postgres_server: PostgresServer) -> str:
    return await postgres_server.create(f"memory_{uuid.uuid4().hex}")


@pytest.fixture
async def other(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(dsn(url))
    yield connection
    await connection.close()


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Open]:
    opened: list[EmbeddedStore] = []

    async def open_() -> EmbeddedStore:
        store = await open_postgres(PostgresLocation(dsn(url)))
        opened.append(store)
        await store.begin(COLLECTION)
        return store

    yield open_
    for store in opened:
        await store.close()


def dsn(url: str) -> str:
    location = locate(url)
    assert isinstance(location, PostgresLocation)
    return location.dsn


async def test_many_may_open_a_new_database_together(open_store: Open) -> None:
    stores = await asyncio.gather(*(open_store() for _ in range(4)))
    await asyncio.gather(*(store.put("acme", [fact(f"{n}")]) for n, store in enumerate(stores)))
    assert len(await stores[0].list("acme", Filter())) == 4


async def test_the_tables_are_apart_from_those_of_the_state(
    url: str, open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await open_store()
    await upgrade(url)
    state = await open_state(url)
    await state.close()
    found = await other.fetch("SELECT table_schema, table_name FROM information_schema.tables")
    ours = {row["table_name"] for row in found if row["table_schema"] == "holdfast_memory"}
    assert {"records", "vectors", "postings"} <= ours
    assert not ours & {row["table_name"] for row in found if row["table_schema"] == "public"}


async def test_tables_of_another_format_are_refused(
    open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await open_store()
    await other.execute("UPDATE holdfast_memory.format SET version = 99")
    with pytest.raises(MemoryUnavailable, match="format is 99"):
        await open_store()


async def test_a_user_who_may_make_no_tables_is_told_what_to_do(
    url: str, open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    role = f"poor_{uuid.uuid4().hex}"
    await other.execute(f"CREATE ROLE {role} LOGIN")
    location = PostgresLocation(dsn(url).replace("postgres@", f"{role}@"))
    with pytest.raises(MemoryUnavailable, match=r"permission denied.*holdfast state upgrade"):
        await open_postgres(location)
    await (await open_store()).put("acme", [fact("a", "word", angle(0))])
    await other.execute(f"GRANT USAGE ON SCHEMA holdfast_memory TO {role}")
    await other.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA holdfast_memory TO {role}"
    )
    store = await open_postgres(location)
    await store.put("acme", [fact("b", "word", angle(1))])
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a", "b"]
    await store.close()


async def test_a_connection_that_was_broken_is_made_again(
    open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    store = await open_store()
    await store.put("acme", [fact("a", "word", angle(0))])
    for _ in range(3):
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast memory'"
        )
        assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]
        await store.put("acme", [fact("a", "word", angle(0))])


async def test_a_database_that_does_not_answer_is_unavailable(url: str) -> None:
    gone = url.replace(url.rpartition("/")[2].partition("?")[0], "nowhere")
    with pytest.raises(MemoryUnavailable, match="nowhere"):
        await open_postgres(PostgresLocation(dsn(gone)))
    with pytest.raises(MemoryUnavailable):
        await open_postgres(PostgresLocation("postgresql://holdfast@127.0.0.1:9/memory"))


async def test_a_write_waits_for_another_and_reading_for_none(
    open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    store = await open_store()
    await store.put("acme", [fact("a", "word", angle(0))])
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtext('holdfast memory'))")
        waiting = asyncio.create_task(store.put("acme", [fact("b", "word", angle(1))]))
        assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a"]
        assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]
        assert not waiting.done()
    await asyncio.wait_for(waiting, 20)
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a", "b"]


async def test_what_another_process_changes_is_seen_by_the_next_search(open_store: Open) -> None:
    mine, theirs = await open_store(), await open_store()
    await mine.put("acme", [fact("a", "", angle(10)), fact("b", "", angle(20))])
    for store in (mine, theirs):
        assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a", "b"]
    await theirs.put("acme", [fact("c", "", angle(5)), fact("b", "", angle(1))])
    assert ids(await mine.by_vector("acme", angle(0), Filter(), 10)) == ["b", "c", "a"]
    await theirs.delete("acme", ["b"])
    assert ids(await mine.by_vector("acme", angle(0), Filter(), 10)) == ["c", "a"]
    await theirs.erase("acme")
    assert await mine.by_vector("acme", angle(0), Filter(), 10) == []


async def test_an_interrupted_write_leaves_nothing(
    open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    store = await open_store()
    with pytest.raises(BadInput):
        await store.put("acme", [fact("a", "word", angle(0)), fact("b", "word", angle(0)[:3])])
    await other.execute("ALTER TABLE holdfast_memory.postings ADD CHECK (term <> 'poison')")
    with pytest.raises(MemoryUnavailable, match="postings"):
        await store.put("acme", [fact("c", "word poison", angle(0))])
    assert await store.list("acme", Filter()) == []
    assert await store.tenants() == []
    await store.put("acme", [fact("d", "word", angle(0))])
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["d"]


@pytest.mark.parametrize("schema", ["public", '"Odd Name"'])
async def test_vectors_are_compared_by_pgvector_where_it_is_there(
    schema: str, open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await other.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}; CREATE EXTENSION vector SCHEMA {schema}")
    store = await open_store()
    await store.put("acme", [fact("a", "", angle(10)), fact("b", "", angle(5)), fact("c")])
    assert await other.fetchval("SELECT pg_typeof(value)::text FROM holdfast_memory.vectors") in (
        "halfvec",
        f"{schema}.halfvec",
    )
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["b", "a"]
    # By the database: what it changes without telling anybody is seen.
    await other.execute(
        "DELETE FROM holdfast_memory.vectors WHERE number = (SELECT max(number) FROM holdfast_memory.vectors)"
    )
    assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["a"]


async def test_pgvector_that_came_later_changes_nothing(
    open_store: Open, other: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    before = await open_store()
    await before.put("acme", [fact("a", "", angle(10)), fact("b", "", angle(5))])
    await other.execute("CREATE EXTENSION vector")
    for store in (before, await open_store()):
        assert ids(await store.by_vector("acme", angle(0), Filter(), 10)) == ["b", "a"]
    await before.put("acme", [fact("c", "", angle(1))])
    assert ids(await before.by_vector("acme", angle(0), Filter(), 10)) == ["c", "b", "a"]
    assert (
        await other.fetchval("SELECT pg_typeof(value)::text FROM holdfast_memory.vectors LIMIT 1") == "bytea"
    )


async def test_many_terms_are_searched_by_index_right_after_the_tables_were_filled(open_store: Open) -> None:
    store = await open_store()
    await store.put(
        "acme", [fact(f"{n}", " ".join(f"w{n * k % 500}" for k in range(9))) for n in range(3_000)]
    )
    async with asyncio.timeout(READ_SECONDS):
        assert len(await store.by_words("acme", [f"w{n}" for n in range(0, 500, 12)], Filter(), 200)) == 200


async def test_a_process_that_stops_amid_its_write_does_not_keep_the_others_from_theirs(
    url: str, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store()
    monkeypatch.setitem(
        postgres.SETTINGS, "idle_in_transaction_session_timeout", "300ms"
    )  # 15 s is long for a test
    stopped = postgres.PostgresConnection(PostgresLocation(dsn(url)))
    await asyncio.to_thread(stopped.execute, f"BEGIN; {postgres.LOCK}")
    await asyncio.wait_for(store.put("acme", [fact("a", "word", angle(0))]), 10)
    assert ids(await store.by_words("acme", ["word"], Filter(), 10)) == ["a"]
    with pytest.raises(MemoryUnavailable):
        await asyncio.to_thread(stopped.execute, "SELECT 1")
    await asyncio.to_thread(stopped.close)


async def test_the_tables_are_made_by_the_command_that_makes_those_of_the_state(url: str) -> None:
    assert not await upgrade_memories("", "sqlite:///state.db")
    assert not await upgrade_memories("weaviate://127.0.0.1:9", url)
    for _ in range(2):
        assert await upgrade_memories("", url)
        assert await upgrade_memories(url, "sqlite:///state.db")
