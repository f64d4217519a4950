"""The embedder over HTTP: batches, their order, and every way that its server fails."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest

from holdfast.testing import Reply, ScriptedModel, failed, hang, html, rate_limited, reset, unauthorized
from holdfast_activities.memory.embedders.openai import OpenAIEmbedder
from holdfast_activities.models.config import ProviderConfig
from holdfast_workflows.contracts.errors import EmbedderBroken, EmbeddingFailed

KEY = "sk-embeddings-1234567890"


@asynccontextmanager
async def embedder_of(server: ScriptedModel, seconds: float = 5.0) -> AsyncGenerator[OpenAIEmbedder]:
    config = ProviderConfig("openai", base_url=server.openai_url, key=KEY)
    embedder = OpenAIEmbedder("openai", "test-embedder", config, {}, timeout=seconds)
    try:
        yield embedder
    finally:
        await embedder.close()


def rows(*places: int, dimension: int = 4) -> bytes:
    data = [{"index": place, "embedding": [float(place + 1)] + [1.0] * (dimension - 1)} for place in places]
    return json.dumps({"data": data}).encode()


async def test_vectors_have_unit_length_and_the_order_of_their_texts() -> None:
    async with ScriptedModel([]) as server, embedder_of(server) as embedder:
        texts = [f"text number {number}" for number in range(300)]
        made = await embedder.embed(texts)
        assert [len(batch) for batch in server.embedded] == [128, 128, 44]
        assert [text for batch in server.embedded for text in batch] == texts
        assert len(made) == 300
        assert all(abs(float(np.linalg.norm(vector)) - 1) < 1e-6 for vector in made)
        assert np.array_equal(made[7], (await embedder.embed([texts[7]]))[0])
        assert embedder.model == "openai:test-embedder"


async def test_an_answer_in_another_order_is_put_in_order() -> None:
    def backwards(texts: Sequence[str]) -> Reply:
        return Reply(raw=rows(*reversed(range(len(texts)))))

    async with ScriptedModel([], embed=backwards) as server, embedder_of(server) as embedder:
        made = await embedder.embed(["a", "b", "c"])
        assert [round(float(vector[0] / vector[1])) for vector in made] == [1, 2, 3]


async def test_the_dimension_is_asked_for_once() -> None:
    async with ScriptedModel([]) as server, embedder_of(server) as embedder:
        assert [await embedder.dimension(), await embedder.dimension()] == [64, 64]
        assert len(server.embedded) == 1
        assert await embedder.embed([]) == []


async def test_long_and_empty_and_broken_texts_are_sent_so_that_a_server_takes_them() -> None:
    async with ScriptedModel([]) as server, embedder_of(server) as embedder:
        await embedder.embed(["x" * 100_000, " ", "字" * 100_000, "a\ud800b\x00"])
        long, empty, chinese, broken = server.embedded[0]
        assert (len(long), empty, len(chinese), broken) == (8_000, ".", 5_333, "a\ufffdb\ufffd")


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        (failed(500), True),
        (reset(), True),
        (unauthorized(), False),
        (failed(404), False),
        (html(), True),
        (Reply(raw=b'{"data": 7}'), True),
        (Reply(raw=b'{"error": {"message": "no"}}'), True),
        (Reply(raw=rows(0)), True),
        (Reply(raw=rows(0, 1, 2)), True),
        (Reply(raw=rows(0, 0)), True),
        (
            Reply(raw=b'{"data": [{"index": 0, "embedding": [0, 0]}, {"index": 1, "embedding": [1, 0]}]}'),
            True,
        ),
        (Reply(raw=b'{"data": [{"index": 0, "embedding": ["x"]}, {"index": 1, "embedding": [1]}]}'), True),
        (Reply(raw=b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}'), True),
        (Reply(raw=b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}'), True),
    ],
)
async def test_an_answer_that_is_none_is_one_error(reply: Reply, retryable: bool) -> None:
    async with ScriptedModel([], embed=lambda _: reply) as server, embedder_of(server) as embedder:
        with pytest.raises(EmbeddingFailed) as failure:
            await asyncio.wait_for(embedder.embed(["a", "b"]), 10)
        assert failure.value.retryable is retryable
        assert KEY not in str(failure.value)
        assert len(server.embedded) == 1, "retries are the caller's"


async def test_a_rate_limit_says_how_long_to_wait() -> None:
    async with (
        ScriptedModel([], embed=lambda _: rate_limited(7)) as server,
        embedder_of(server) as embedder,
    ):
        with pytest.raises(EmbeddingFailed) as failure:
            await embedder.embed(["a"])
        assert failure.value.retry_after == 7


async def test_a_server_that_hangs_is_given_up() -> None:
    async with ScriptedModel([], embed=lambda _: hang()) as server, embedder_of(server, 0.2) as embedder:
        with pytest.raises(EmbeddingFailed, match=r"0\.2 s"):
            await asyncio.wait_for(embedder.embed(["a"]), 10)


async def test_a_change_of_dimension_on_the_way_is_refused() -> None:
    lengths = iter([4, 5])

    def changing(texts: Sequence[str]) -> Reply:
        return Reply(raw=rows(*range(len(texts)), dimension=next(lengths)))

    async with ScriptedModel([], embed=changing) as server, embedder_of(server) as embedder:
        await embedder.embed(["a"])
        with pytest.raises(EmbeddingFailed, match="5 dimensions after ones of 4"):
            await embedder.embed(["b"])


def test_a_key_that_is_missing_is_said_at_once() -> None:
    config = ProviderConfig("openai", key_from="env:OPENAI_API_KEY")
    with pytest.raises(EmbedderBroken, match="OPENAI_API_KEY"):
        OpenAIEmbedder("openai", "text-embedding-3-small", config, {})
