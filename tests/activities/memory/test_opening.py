"""HOLDFAST_MEMORY_URL names the store; a URL that names none is refused before anything is opened."""

import logging
from pathlib import Path

import pytest

from holdfast_activities.memory import make_memories
from holdfast_workflows.contracts.errors import EmbedderBroken, MemoryUnavailable, SettingsInvalid

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
        "postgresql://host/db",
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
