"""No call of a memory store or embedder lasts longer than its deadline, nor goes out while the breaker is open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.testing import ScriptedModel, failed, hang, unauthorized
from holdfast_activities.memory import Collection, Memories, MemoryStore, Vector
from holdfast_activities.memory.base import Embedder
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.memory.embedders import GuardedEmbedder
from holdfast_activities.memory.embedders import guarded as guarded_embedder
from holdfast_activities.memory.embedders.openai import OpenAIEmbedder
from holdfast_activities.memory.guard import gate, guarded
from holdfast_activities.memory.guard.guarded import guarded_store
from holdfast_activities.memory.weaviate import open_weaviate, parse
from holdfast_activities.models.config import ProviderConfig
from holdfast_activities.resilience import Breakers
from holdfast_activities.state import open_state
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_workflows.contracts.errors import BadInput, EmbeddingFailed, MemoryUnavailable

from .keeper import change, fact, stored


@pytest.fixture
async def breakers(tmp_path: Path) -> AsyncIterator[Breakers]:
    state = await open_state(f"sqlite:///{tmp_path / 'state.db'}")
    breakers = Breakers(state.breakers)
    yield breakers
    await breakers.close()
    await state.close()


@pytest.fixture
async def silent_server() -> AsyncIterator[str]:
    """A server that takes connections and says nothing."""

    taken: list[asyncio.StreamWriter] = []

    async with await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"weaviate://127.0.0.1:{port}?grpc=1"
        for writer in taken:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "READ_SECONDS", 0.1)
    monkeypatch.setattr(guarded, "WRITE_SECONDS", 0.1)
    monkeypatch.setattr(guarded, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(guarded_embedder, "ONE_SECONDS", 0.1)


class _Uncancellable:
    """Waits for ever, and does not hear that it is cancelled."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def work(self) -> None:
        while not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()


@pytest.mark.usefixtures("short_deadlines")
async def test_a_store_that_does_not_answer_fails_at_the_deadline(silent_server: str) -> None:
    location = parse(silent_server, {})
    store = guarded_store("weaviate", lambda: open_weaviate(location))
    with pytest.raises(MemoryUnavailable, match=r"memory:weaviate: no answer within 0\.2 s"):
        await asyncio.wait_for(store.get("acme", ["a"]), 60)
    await store.close()
    bare = await open_weaviate(location)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bare.get("acme", ["a"]), 0.5)
    await bare.close()


async def test_a_call_that_ignores_its_cancellation_is_not_awaited() -> None:
    call = _Uncancellable()
    with pytest.raises(MemoryUnavailable):
        await asyncio.wait_for(gate.Gate("memory:x", None, MemoryUnavailable).call(call.work, 0.05), 60)
    caller = asyncio.create_task(gate.Gate("memory:x", None, MemoryUnavailable).call(call.work, None))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(caller, 60)
    call.released.set()


@pytest.mark.usefixtures("short_deadlines")
async def test_an_open_breaker_blocks_calls_to_the_store(silent_server: str, breakers: Breakers) -> None:
    opened = 0

    async def opens() -> MemoryStore:
        nonlocal opened
        opened += 1
        return await open_weaviate(parse(silent_server, {}))

    store = guarded_store("weaviate", opens, breakers)
    for _ in range(12):
        with pytest.raises(MemoryUnavailable):
            await store.get("acme", ["a"])
    before = opened
    with pytest.raises(MemoryUnavailable, match="memory:weaviate") as refused:
        await store.get("acme", ["a"])
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 1
    assert opened == before
    await store.close()


async def test_a_store_that_cannot_be_opened_is_opened_by_a_later_call(tmp_path: Path) -> None:
    (tmp_path / "memory.db").mkdir()
    store = guarded_store("embedded", lambda: open_embedded(tmp_path / "memory.db"))
    with pytest.raises(MemoryUnavailable):
        await store.counts()
    (tmp_path / "memory.db").rmdir()
    assert (await store.counts()).facts == 0
    await store.close()


async def test_many_first_calls_at_once_open_the_store_once(tmp_path: Path) -> None:
    opened = 0

    async def opens() -> MemoryStore:
        nonlocal opened
        opened += 1
        return await open_embedded(tmp_path / "memory.db")

    store = guarded_store("embedded", opens)
    await asyncio.gather(*(store.begin(Collection()) for _ in range(10)))
    assert opened == 1
    await store.close()


async def test_a_bad_input_does_not_count_as_a_failure_of_the_store(
    tmp_path: Path, breakers: Breakers
) -> None:
    store = guarded_store("embedded", lambda: open_embedded(tmp_path / "memory.db"), breakers)
    memories = Memories(store)
    await memories.apply(change(facts=[fact("a", "Ann.")]))
    for _ in range(10):
        with pytest.raises(BadInput):
            await memories.apply(change(facts=[fact("a" * 500, "Ann has a cat.")]))
    assert set(await stored(memories)) == {"a"}
    await memories.close()


async def test_every_call_reaches_the_store(tmp_path: Path) -> None:
    store = guarded_store("embedded", lambda: open_embedded(tmp_path / "memory.db"))
    memories = Memories(store)
    await memories.apply(change(facts=[fact("a", "Ann likes tea."), fact("b", "Bob likes tea, too.")]))
    assert [each.id for each in await memories.search("tea", tenant="", scopes=[], floor=0.0)] == ["a", "b"]
    assert len(await memories.forget("", ["a"])) == 1
    assert await memories.expire(0.0) == 0
    assert await memories.consolidate(0.0) == 0
    assert await memories.optimise() >= 0
    assert (await memories.migrate()).memories >= 0
    assert (await memories.stats()).facts == 1
    assert await memories.erase("") == 1
    await memories.close()


async def _embed_once(embedder: Embedder) -> list[Vector]:
    return await asyncio.wait_for(embedder.embed(["a"]), 60)


async def test_a_rejected_key_opens_the_embedding_breaker(breakers: Breakers) -> None:
    async with ScriptedModel([], embed=lambda _: unauthorized()) as server:
        config = ProviderConfig("openai", server.openai_url, key="k")
        embedder = GuardedEmbedder(OpenAIEmbedder("openai", "m", config, {}), breakers)
        for _ in range(8):
            with pytest.raises(EmbeddingFailed):
                await _embed_once(embedder)
        assert len(server.embedded) == BreakerRule().failures
        await embedder.close()


@pytest.mark.usefixtures("short_deadlines")
async def test_failures_open_the_embedding_breaker(
    breakers: Breakers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = hang()

    async with ScriptedModel([], embed=lambda _: answer) as server:
        config = ProviderConfig("openai", base_url=server.openai_url, key="sk-12345678abcd")
        embedder = GuardedEmbedder(OpenAIEmbedder("openai", "test", config, {}), breakers)
        with pytest.raises(EmbeddingFailed):
            await _embed_once(embedder)
        answer = failed(500)
        monkeypatch.setattr(
            guarded_embedder, "ONE_SECONDS", 30.0
        )  # however slow the machine, it has the time
        for _ in range(10):
            with pytest.raises(EmbeddingFailed):
                await _embed_once(embedder)
        with pytest.raises(EmbeddingFailed) as refused:
            await _embed_once(embedder)
        assert refused.value.retry_after is not None
        assert 4 <= len(server.embedded) <= 5  # what hung may not have reached it
        await embedder.close()
