"""A server that dies, hangs, refuses, or is none: bounded, typed, and over when it is over."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from holdfast_activities.memory import Filter
from holdfast_activities.memory.weaviate import connection
from holdfast_activities.memory.weaviate.answers import Shard
from holdfast_activities.memory.weaviate.rows import tenant_key, to_object
from holdfast_activities.memory.weaviate.store import WeaviateStore
from holdfast_workflows.contracts.errors import MemoryUnavailable
from tests.activities.memory.conformance.records import COLLECTION, DIMENSION, angle, fact, ids
from tests.weaviate_server import NamedWeaviate, WeaviateServer, start_weaviate

from . import places


@pytest.fixture(scope="module")
def own_server() -> Iterator[WeaviateServer]:
    """A server that a test may kill, if it starts it again."""
    server = start_weaviate()
    yield server
    server.stop()


@pytest.fixture
async def store(own_server: WeaviateServer) -> AsyncIterator[WeaviateStore]:
    store = await places.open_at(own_server.url(places.fresh_name()))
    await store.begin(COLLECTION)
    yield store
    await store.close()


@asynccontextmanager
async def serving(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncGenerator[WeaviateStore]:
    """A store at a server with the given behaviour."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = await places.open_at(f"weaviate://127.0.0.1:{port}?grpc=localhost:{port}")
    try:
        yield store
    finally:
        await store.close()
        server.close()


@pytest.mark.slow
async def test_acknowledged_writes_survive_a_killed_server(
    own_server: WeaviateServer, store: WeaviateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[str] = []
    enough = asyncio.Event()

    async def write() -> None:
        number = 0
        while True:
            batch = [fact(f"{number + part:05}", "word", angle(part)) for part in range(5)]
            await store.put("acme", batch)
            acknowledged.extend(ids(batch))
            number += 5
            if number >= 200:
                enough.set()

    writer = asyncio.create_task(write())
    await asyncio.wait_for(enough.wait(), 60)
    own_server.kill()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(connection, "CALL_SECONDS", 2.0)
            with pytest.raises(MemoryUnavailable):
                await asyncio.wait_for(writer, 60)
    finally:
        own_server.start()
    assert ids(await store.get("acme", acknowledged)) == acknowledged
    found = await store.by_vector("acme", angle(0), Filter(), 10_000)
    assert set(acknowledged) <= set(ids(found))
    found = await store.by_words("acme", ["word"], Filter(), 10_000)
    assert set(acknowledged) <= set(ids(found))


@pytest.mark.slow
async def test_a_repeated_put_indexes_what_a_killed_server_did_not(
    own_server: WeaviateServer, store: WeaviateStore
) -> None:
    records = [fact(f"{number}", "word", angle(number)) for number in range(5)]
    await store.put("acme", [fact("other", "", angle(90))])
    generation = await store._generations.writable()
    async with store._connection.client() as client:
        # A put up to where the server may be killed: all objects are on disk, and no vector is.
        shard: Shard = client.collections.use(generation.name).with_tenant(tenant_key("acme"))
        await shard.data.insert_many([to_object("acme", record, DIMENSION) for record in records])
    own_server.kill()
    own_server.start()
    await store.close()
    assert len(await store.get("acme", ids(records))) == 5
    await store.put("acme", records)
    assert ids(await store.by_vector("acme", angle(0), Filter(), 5)) == ["0", "1", "2", "3", "4"]


async def test_calls_work_again_after_a_frozen_server_is_back(
    own_server: WeaviateServer, store: WeaviateStore
) -> None:
    await store.put("acme", [fact("a", "word", angle(0))])
    own_server.freeze()
    try:
        calls = [store.get("acme", ["a"]), store.by_words("acme", ["word"], Filter(), 1), store.tenants()]
        cut = await asyncio.gather(*(asyncio.wait_for(call, 0.5) for call in calls), return_exceptions=True)
    finally:
        own_server.thaw()
    assert [type(each) for each in cut] == [TimeoutError] * 3
    assert ids(await store.get("acme", ["a"])) == ["a"]


async def test_a_call_to_a_frozen_server_times_out(
    own_server: WeaviateServer, store: WeaviateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CALL_SECONDS", 0.5)
    own_server.freeze()
    try:
        with pytest.raises(MemoryUnavailable, match="no answer"):
            await asyncio.wait_for(store.put("acme", [fact("a")]), 60)
    finally:
        own_server.thaw()


async def test_a_cancelled_call_does_not_break_concurrent_calls(store: WeaviateStore) -> None:
    await store.put("acme", [fact(f"{number}", "word", angle(number)) for number in range(50)])
    working = [asyncio.create_task(store.by_words("acme", ["word"], Filter(), 50)) for _ in range(20)]
    cut = [asyncio.create_task(store.list("acme", Filter())) for _ in range(20)]
    await asyncio.sleep(0)
    for task in cut:
        task.cancel()
    assert [len(found) for found in await asyncio.gather(*working)] == [50] * 20
    await asyncio.wait(cut)


async def test_a_refused_connection_is_memory_unavailable() -> None:
    store = await places.open_at("weaviate://127.0.0.1:1?grpc=2")
    with pytest.raises(MemoryUnavailable, match=r"127\.0\.0\.1:1: "):
        await asyncio.wait_for(store.begin(COLLECTION), 60)
    await store.close()


async def test_a_call_to_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(silent) as store:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.collection(), 0.3)
        monkeypatch.setattr(connection, "CALL_SECONDS", 0.3)
        with pytest.raises(MemoryUnavailable, match="no answer"):
            await asyncio.wait_for(store.collection(), 60)


async def test_a_server_that_is_not_weaviate_is_reported() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await reader.read()
        writer.close()

    async with serving(other) as store:
        with pytest.raises(MemoryUnavailable, match="is not a Weaviate server"):
            await asyncio.wait_for(store.collection(), 60)


async def test_a_closed_grpc_port_is_memory_unavailable(
    own_server: WeaviateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await places.open_at(own_server.url(places.fresh_name(), grpc=1))
    await store.begin(COLLECTION)
    monkeypatch.setattr(connection, "CALL_SECONDS", 0.5)
    with pytest.raises(MemoryUnavailable):
        await asyncio.wait_for(store.put("acme", [fact("a")]), 60)
    await store.close()


async def test_a_store_that_lost_its_collections_is_initialised_again(
    weaviate_server: WeaviateServer | NamedWeaviate,
) -> None:
    url = weaviate_server.url(places.fresh_name())
    store = await places.open_at(url)
    await store.begin(COLLECTION)
    await store.put("acme", [fact("a")])
    await places.remove(url)
    with pytest.raises(MemoryUnavailable):
        await store.list("acme", Filter())
    assert await store.list("acme", Filter()) == []
    await store.put("acme", [fact("b")])
    assert ids(await store.list("acme", Filter())) == ["b"]
    await store.close()
    await places.remove(url)
