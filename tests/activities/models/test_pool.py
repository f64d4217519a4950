"""The pool uses the connection it used last, notices one that broke, and closes what it no longer needs."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx
import pytest

from holdfast_activities.models.http import pool


class Server:
    """Answers every request with the number of the connection it came by, when the gate is open."""

    def __init__(self) -> None:
        self.connections: list[asyncio.StreamWriter] = []
        self.arrived: asyncio.Queue[int] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        number = str(len(self.connections)).encode()
        with suppress(ConnectionError):  # of who gave up
            while await reader.read(4_096):
                self.arrived.put_nowait(len(self.connections))
                await self.gate.wait()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(number), number))
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    yield made
    for writer in made.connections:
        writer.close()
    listening.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with pool.Client(timeout=30) as made:
        yield made


async def _get(client: httpx.AsyncClient, server: Server) -> int:
    return int((await client.get(server.url)).text)


async def test_requests_one_after_the_other_share_a_connection(
    server: Server, client: httpx.AsyncClient
) -> None:
    assert [await _get(client, server) for _ in range(5)] == [1] * 5


async def test_requests_at_once_have_a_connection_each_and_later_ones_reuse_them(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.gate.clear()
    asked = [asyncio.create_task(_get(client, server)) for _ in range(10)]
    async with asyncio.timeout(30):
        for _ in asked:
            await server.arrived.get()
    server.gate.set()
    assert set(await asyncio.gather(*asked)) == set(range(1, 11))
    again = {await _get(client, server) for _ in range(5)}
    assert len(again) == 1
    assert len(server.connections) == 10


async def test_a_connection_that_the_server_closed_is_not_used(
    server: Server, client: httpx.AsyncClient
) -> None:
    assert await _get(client, server) == 1
    server.connections[0].close()
    await server.connections[0].wait_closed()
    assert await _get(client, server) == 2


async def test_an_answer_that_is_given_up_does_not_leave_its_rest_to_the_next(
    server: Server, client: httpx.AsyncClient
) -> None:
    server.gate.clear()
    asked = asyncio.create_task(_get(client, server))
    async with asyncio.timeout(30):
        await server.arrived.get()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    server.gate.set()
    assert await _get(client, server) == 2


@pytest.fixture
def frozen_heap() -> Iterator[None]:
    """Keep what exists out of collections: in a full run a collection takes a tenth of a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen_heap")
async def test_a_request_that_is_cancelled_at_any_of_its_steps_leaves_no_connection_open(
    server: Server,
) -> None:
    """Python warns when it collects a connection that is still open."""
    answered = False
    steps = 0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        while not answered:
            async with pool.Client(timeout=30) as client:
                asked = asyncio.create_task(_get(client, server))
                for _ in range(steps):
                    await asyncio.sleep(0)
                answered = asked.done()
                asked.cancel()
                await asyncio.wait([asked])
            del client, asked
            gc.collect()
            steps += 1
    assert steps > 5
    assert [str(each.message) for each in told] == []


async def test_connections_that_are_idle_too_long_are_closed_by_the_next_that_comes_back(
    server: Server, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_TIMEOUT", 0.0)
    async with pool.Client(timeout=30) as short:
        assert await _get(short, server) == 1
        assert await _get(short, server) == 2


async def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with pool.Client(timeout=30) as client:
        assert (await client.get("http://nowhere.invalid/")).text == "1"
