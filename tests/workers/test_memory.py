"""Worker processes and the memory store they find: one that is away or of another model stops none of them."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast import open_memory
from holdfast.testing import ScriptedModel
from holdfast_activities.state import upgrade
from holdfast_client import connect
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.agent.memory import MemoryTurn
from tests.postgres_server import PostgresServer

from .running import started

APP = "tests.workers.sample:app"


@pytest.mark.slow
async def test_a_worker_of_another_embedding_model_says_so_and_embeds_anew_when_told(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedModel([]) as embeddings:
        monkeypatch.setenv("OPENAI_BASE_URL", embeddings.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh12345678")
        url = f"sqlite:///{tmp_path / 'memory.db'}"
        async with open_memory(url, embeddings="openai:one") as memory:
            await memory.add([MemoryTurn(text="My dog is called Rex.")], scope="user:ann")
        settings = {"temporal_address": server.address, "task_queue": task_queue, "memory_url": url}
        async with started("worker", APP, embeddings="openai:two", health_port="0", **settings) as running:
            said = await running.said("holdfast memory migrate")
            assert "sessions run without memories" in said
            await running.ready()
            holdfast = await connect(temporal=client, task_queue=task_queue)
            done = await holdfast.memory.migrate()
            assert (done.memories, done.model) == (1, "openai:two")
            assert (await holdfast.memory.stats()).model == "openai:two"


@pytest.mark.slow
async def test_a_worker_starts_without_its_memory_store(
    server: DevServer, task_queue: str, unused_tcp_port: int
) -> None:
    async with started(
        "worker",
        APP,
        temporal_address=server.address,
        task_queue=task_queue,
        memory_url=f"weaviate://127.0.0.1:{unused_tcp_port}",
        embeddings="none",
        health_port="0",
    ) as running:
        await running.said("run without memories until it is back")
        await running.ready()


@pytest.mark.slow
async def test_a_memory_url_that_is_none_is_refused(server: DevServer, task_queue: str) -> None:
    async with started(
        "worker", APP, temporal_address=server.address, task_queue=task_queue, memory_url="redis://x"
    ) as running:
        assert await running.ended() == 2
        assert "HOLDFAST_MEMORY_URL" in running.text


async def test_a_worker_on_postgresql_keeps_memories_where_every_worker_finds_them(
    server: DevServer, client: Client, task_queue: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = await postgres_server.create(f"memory_{uuid.uuid4().hex}")
    await upgrade(url)
    homes = [tmp_path / "one", tmp_path / "two"]
    settings = {"temporal_address": server.address, "task_queue": task_queue, "state_url": url}
    async with started(
        "worker", APP, health_port="0", embeddings="none", home=str(homes[0]), **settings
    ) as one:
        await one.ready()
        holdfast = await connect(temporal=client, task_queue=task_queue)
        await holdfast.memory.add("Ann moved to Lisbon.", scope="user:ann")
        assert (await holdfast.memory.stats()).store == "postgres"
    async with started(
        "worker", APP, health_port="0", embeddings="none", home=str(homes[1]), **settings
    ) as two:
        await two.ready()
        assert [found.text async for found in holdfast.memory.list()] == ["Ann moved to Lisbon."]
    assert [path for home in homes for path in home.rglob("memory.db")] == []


async def test_a_worker_on_postgresql_is_refused_a_file_for_its_memories(
    server: DevServer, task_queue: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = await postgres_server.create("refused")
    await upgrade(url)
    settings = {"temporal_address": server.address, "task_queue": task_queue, "state_url": url}
    async with started(
        "worker", APP, memory_url=f"sqlite:///{tmp_path / 'memory.db'}", **settings
    ) as running:
        await running.said("local=true")
        assert await running.ended() != 0
    assert not (tmp_path / "memory.db").exists()
