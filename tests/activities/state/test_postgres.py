"""Broken connections to PostgreSQL."""

import asyncio
import os
import signal
import socket

import asyncpg
import pytest

from holdfast_activities.state import open_state, upgrade
from holdfast_activities.state.log import postgres
from holdfast_workflows.contracts.errors import StateUnavailable
from holdfast_workflows.contracts.session.entries import Entry, UserEntry
from tests.postgres_server import PostgresServer


async def test_a_server_that_does_not_listen_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nothing else answers there
        with pytest.raises(StateUnavailable):
            await open_state(f"postgresql://u:secret@127.0.0.1:{taken.getsockname()[1]}/d")


async def test_broken_connections_are_replaced(postgres_server: PostgresServer, session: str) -> None:
    url = await postgres_server.create("broken")
    await upgrade(url)
    state = await open_state(url)
    await state.ping()
    entry: Entry = UserEntry(seq=1, text="x")
    await state.log.settle(session, [entry])
    killer = await asyncpg.connect(url.replace("+asyncpg", ""))
    gone = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = 'broken' AND pid <> pg_backend_pid()"
    assert await killer.fetchval(gone) >= 2
    await killer.close()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await state.log.settle(session, [entry]) == [entry]
                break
            except StateUnavailable:
                continue  # this connection was not yet known to be broken
    await state.ping()
    await state.close()


async def test_a_database_is_closed_without_an_error_although_its_server_hangs(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await postgres_server.create("hanging")
    await upgrade(url)
    monkeypatch.setattr(postgres, "COMMAND_SECONDS", 0.5)
    state = await open_state(url)
    assert isinstance(state.log, postgres.PostgresLog)
    pid = await state.log._pool.fetchval("SELECT pg_backend_pid()")  # pyright: ignore[reportPrivateUsage] - the server's process
    os.kill(pid, signal.SIGSTOP)
    try:
        await state.close()
    finally:
        os.kill(pid, signal.SIGCONT)
