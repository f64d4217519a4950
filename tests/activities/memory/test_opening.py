"""HOLDFAST_MEMORY_URL names the store; a URL that names none is refused before anything is opened."""

import logging
import uuid
from pathlib import Path

import pytest

from holdfast import open_memory
from holdfast_activities.memory import make_memories
from holdfast_workflows.contracts.errors import EmbedderBroken, MemoryUnavailable, SettingsInvalid
from tests.postgres_server import PostgresServer

from .keeper import change, fact


async def test_without_a_url_memories_are_in_a_file_of_the_home_made_at_first_use(tmp_path: Path) -> None:
    home = tmp_path / ".holdfast"
    memories = make_memories("", "none", home, {})
    assert not home.exists()
    await memories.apply(change(facts=[fact("a", "Ann likes tea.")]))
    assert (home / "memory.db").exists()
    stats = await memories.stats()
    assert (stats.store, stats.model, stats.dimension, stats.facts) == ("embedded", "", 0, 1)
    await memories.close()


async def test_a_file_is_named_by_its_url(tmp_path: Path) -> None:
    memories = make_memories(f"sqlite:///{tmp_path / 'own.db'}?synchronous=normal", "none", tmp_path, {})
    await memories.check()
    assert (tmp_path / "own.db").exists()
    await memories.close()


async def test_a_server_that_is_down_is_no_error_before_the_first_use(tmp_path: Path) -> None:
    memories = make_memories("weaviate://127.0.0.1:9?grpc=10", "none", tmp_path, {})
    with pytest.raises(MemoryUnavailable):
        await memories.check()
    await memories.close()


@pytest.mark.parametrize(("embeddings", "times"), [("", 1), ("none", 0)])
async def test_words_only_is_warned_of_once_at_first_use_unless_it_was_chosen(
    embeddings: str, times: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memories = make_memories("", embeddings, tmp_path, {})
    with caplog.at_level(logging.WARNING):
        await memories.check()
        assert not caplog.records
        for _ in range(2):
            await memories.apply(change(facts=[fact("a", "Ann likes tea.")]))
            await memories.search("tea", tenant="", scopes=["user:ann"])
    assert [str(tmp_path / "models") in record.message for record in caplog.records] == [True] * times
    await memories.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "postgresql://host:port/db",
        "sqlite:///x?local=perhaps",
        "weaviate://",
        "weaviate://host:1?nothing=1",
        "sqlite://",
        "sqlite:///x?a=b",
        "x",
    ],
)
def test_a_url_that_names_no_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_MEMORY_URL"):
        make_memories(url, "none", tmp_path, {})


def test_an_embedder_that_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderBroken, match="OPENAI_API_KEY"):
        make_memories("", "openai:text-embedding-3-small", tmp_path, environ={})
    with pytest.raises(SettingsInvalid, match="HOLDFAST_EMBEDDINGS"):
        make_memories("", "gpt", tmp_path, environ={})


SHARED = "postgresql://holdfast@127.0.0.1:9/state"


def test_a_file_beside_a_state_database_that_is_shared_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'memory.db'}"
    for given in (
        url,
        f"{url}?synchronous=normal",
        f"{url}?local=false",
        url.replace("sqlite", "sqlite+aiosqlite"),
    ):
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_MEMORY_URL: this file is local .*\?local=true"):
            make_memories(given, "none", tmp_path, {}, state_url=SHARED)


async def test_a_file_beside_a_shared_state_database_may_be_asked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}?local=true&synchronous=normal"
    memories = make_memories(url, "none", tmp_path, {}, state_url=SHARED)
    await memories.check()
    assert (tmp_path / "own.db").exists()
    await memories.close()


@pytest.mark.parametrize("url", ["", "weaviate://127.0.0.1:9?grpc=10", SHARED])
async def test_beside_a_shared_state_database_nothing_is_kept_in_a_file(url: str, tmp_path: Path) -> None:
    memories = make_memories(url, "none", tmp_path, {}, state_url=SHARED)
    with pytest.raises(MemoryUnavailable):
        await memories.apply(change(facts=[fact("a", "Ann likes tea.")]))
    await memories.close()
    assert list(tmp_path.iterdir()) == []


async def test_beside_a_state_file_memories_are_in_a_file(tmp_path: Path) -> None:
    memories = make_memories("", "none", tmp_path, {}, state_url=f"sqlite:///{tmp_path}/state.db")
    await memories.check()
    assert (tmp_path / "memory.db").exists()
    await memories.close()


@pytest.mark.parametrize("there", [True, False])
def test_a_file_of_before_that_is_not_read_any_more_is_warned_of(
    there: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if there:
        (tmp_path / "memory.db").touch()
    make_memories("", "none", tmp_path, {}, state_url=SHARED)
    assert [f"sqlite:///{tmp_path}/memory.db?local=true" in each.message for each in caplog.records] == [
        True
    ] * there


def test_a_state_url_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_STATE_URL"):
        make_memories("", "none", tmp_path, {}, state_url="mysql://host/db")


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+asyncpg"])
@pytest.mark.parametrize("default", [True, False], ids=["by default", "by its url"])
async def test_memories_are_in_the_state_database_that_is_shared(
    driver: str, default: bool, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = (await postgres_server.create(f"memory_{uuid.uuid4().hex}")).replace("postgresql+asyncpg", driver)
    memories = make_memories("" if default else url, "none", tmp_path, {}, state_url=url)
    await memories.apply(change(facts=[fact("a", "Ann likes tea.")]))
    await memories.close()
    async with open_memory(url, embeddings="none") as memory:
        assert [found.text for found in await memory.list()] == ["Ann likes tea."]
        assert (await memory.stats()).store == "postgres"
    assert list(tmp_path.iterdir()) == []
