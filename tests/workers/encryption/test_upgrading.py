"""``holdfast state upgrade`` with keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from holdfast_activities.memory.opening import open_unguarded
from holdfast_client.command.main import invoke
from holdfast_workers.settings import Settings
from tests.postgres_server import PostgresServer
from tests.temporal.encryption.keys import write_keys


async def test_memories_in_a_database_with_pgvector_can_be_encrypted_after_an_upgrade(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await postgres_server.create("upgraded_with_keys")
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    await connection.close()
    write_keys(tmp_path / "keys", "k1")
    monkeypatch.setenv("HOLDFAST_STATE_URL", url)
    monkeypatch.setenv("HOLDFAST_KEYS", f"file:{tmp_path / 'keys'}")
    assert await asyncio.to_thread(invoke, ["state", "upgrade"]) == 0
    settings = Settings.load()
    store = await open_unguarded("", tmp_path, settings.state(), settings.cipher())
    assert store
    await store.close()
