"""all-MiniLM-L6-v2 from a local folder, without torch."""

from __future__ import annotations  # numpy and the tokenizer are loaded with the model

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from holdfast_activities.memory.base import Vector
from holdfast_workflows.contracts.errors import EmbedderBroken
from holdfast_workflows.contracts.text.unicode import clean

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .bert import Bert, Matrix

T = TypeVar("T")

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 384
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of ``model.safetensors``: other weights would give other vectors under the same name."""

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
_TOKENS = 256  # the model was trained with it; the rest of a longer text is ignored
_BATCH_TOKENS = 512  # one forward pass, about 0.2 s; other callers come in between
_CHARS = 8_000  # more than 256 tokens have; the rest is not tokenised


class MiniLM:
    """A local embedder: 384 dimensions, about 10 ms for a sentence. The folder is read at first use."""

    model = MODEL

    def __init__(self, folder: Path, *, sha256: str = SHA256) -> None:
        self._folder = folder
        self._sha256 = sha256
        # One thread: concurrent passes would only slow each other down.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="holdfast-embedder")
        self._loaded: _Loaded | None = None

    async def dimension(self) -> int:
        """Load the model and return the length of a vector; raises EmbedderBroken as ``embed`` does."""
        await self._run(self._load)
        return DIMENSION

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector of unit length for each text.

        Raises:
            EmbedderBroken: The folder does not contain the model, or the extra is not installed.
        """
        if not texts:
            return []
        tokens = await self._run(lambda: self._tokens(texts))
        vectors: dict[int, Vector] = {}
        for places in _batches(tokens):
            batch = [tokens[place] for place in places]
            rows = await self._run(partial(self._forward, batch))
            vectors.update(zip(places, rows, strict=True))
        return [vectors[place] for place in range(len(texts))]

    async def close(self) -> None:
        """Release the model; a running pass ends normally."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._loaded = None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self._load().tokenizer.encode_batch([clean(text[:_CHARS]) for text in texts])
        return [each.ids for each in encoded]

    def _forward(self, batch: Sequence[Sequence[int]]) -> Matrix:
        loaded = self._load()
        with loaded.one_core():
            return loaded.bert(batch)

    def _load(self) -> _Loaded:
        if self._loaded is None:
            self._loaded = _open(self._folder, self._sha256)
        return self._loaded


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield places of texts of similar length, because shorter ones are padded to the longest."""
    batch: list[int] = []
    for place in sorted(range(len(tokens)), key=lambda place: len(tokens[place])):
        if batch and (len(batch) + 1) * len(tokens[place]) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    yield batch


class _Loaded(NamedTuple):
    tokenizer: Tokenizer
    bert: Bert
    one_core: Callable[[], AbstractContextManager[object]]


def _open(folder: Path, sha256: str) -> _Loaded:
    try:
        # The extra is optional.
        import threadpoolctl  # type: ignore[import-untyped] # it has no types
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        from .bert import Bert
    except ImportError:
        raise EmbedderBroken(f"{MODEL} needs an extra; pip install 'holdfast[minilm]'") from None
    try:
        data = (folder / WEIGHTS).read_bytes()
        described = (folder / TOKENIZER).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EmbedderBroken(f"{folder} should contain {WEIGHTS} and {TOKENIZER}: {error}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise EmbedderBroken(f"{folder / WEIGHTS} has the sha256 {found}, and {MODEL} has {sha256}")
    try:
        bert = Bert(load(data))
        tokenizer = Tokenizer.from_str(described)
        # Overrides the truncation and padding of the file.
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=_TOKENS)  # pyright: ignore[reportUnknownMemberType] - its stub leaves options open
    except Exception as error:  # noqa: BLE001 - both libraries raise their own exceptions
        raise EmbedderBroken(f"{folder} cannot be read: {type(error).__name__} {error}") from None
    if tokenizer.get_vocab_size() != bert.words:
        raise EmbedderBroken(f"{folder / TOKENIZER} has {tokenizer.get_vocab_size()} words, not {bert.words}")
    # numpy's threads wait for each other after every product: on two busy cores that took sixteen
    # times as long as one alone, and on idle ones they save a quarter.
    pools: Any = threadpoolctl.ThreadpoolController()
    return _Loaded(tokenizer, bert, partial(pools.limit, limits=1, user_api="blas"))
