"""Embeddings of OpenAI and compatible servers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from holdfast_activities.memory.base import Vector
from holdfast_activities.models.config import ProviderConfig
from holdfast_activities.models.errors import errors
from holdfast_activities.models.http.http import Endpoint, make_client
from holdfast_workflows.contracts.errors import EmbedderBroken, EmbeddingFailed, ModelError, ModelRejected
from holdfast_workflows.contracts.text.unicode import clean, dump_json

BATCH = 128
"""Texts in one request."""

TIMEOUT = 20.0
"""Seconds for the answer to one request."""

_CHARS = 8_000  # the rest of a text is not embedded; servers refuse more than about 8,000 tokens
_BYTES = 16_000  # the same, for scripts with one or two tokens a character
_MALFORMED = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError)


class OpenAIEmbedder:
    """One model behind ``/embeddings``; retries are the caller's."""

    def __init__(
        self,
        provider: str,
        model: str,
        config: ProviderConfig,
        environ: Mapping[str, str],
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        """Raises EmbedderBroken if the key is missing."""
        self.model = f"{provider}:{model}"
        self._name = model
        self._timeout = timeout
        try:
            key, own = config.find_key(self.model, environ), config.sent_headers(self.model, environ)
        except ModelError as error:
            raise EmbedderBroken(error.detail) from None
        headers = {**({"authorization": f"Bearer {key}"} if key else {}), **own}
        self._client = make_client()
        self._endpoint = Endpoint(self._client, self.model, config.address("/embeddings"), headers, key)
        self._dimension = 0

    async def dimension(self) -> int:
        """Return the length of a vector; embeds one text the first time."""
        if not self._dimension:
            await self.embed(["dimension"])
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector of unit length for each text.

        Raises:
            EmbeddingFailed: The server did not answer, or not with vectors.
        """
        vectors: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            vectors += await self._request(texts[start : start + BATCH])
        return vectors

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _request(self, texts: Sequence[str]) -> list[Vector]:
        request = {"model": self._name, "input": [_cut(text) for text in texts], "encoding_format": "float"}
        try:
            body, _ = await self._endpoint.post(dump_json(request).encode(), self._timeout)
            return self._read(body, len(texts))
        except ModelError as error:
            failed = EmbeddingFailed(error.detail, retry_after=error.retry_after, retryable=error.retryable)
            failed.account = isinstance(error, ModelRejected) and error.account
            raise failed from None

    def _read(self, body: bytes, count: int) -> list[Vector]:
        try:
            rows = _rows(json.loads(body))
            vectors = [np.asarray(rows[place], dtype=np.float32) for place in range(count)]
        except _MALFORMED as error:
            what = f"the answer makes no sense ({type(error).__name__})"
            raise errors.malformed(self.model, what, body, self._endpoint.secret) from None
        if len(rows) != count:
            raise EmbeddingFailed(f"{self.model}: {len(rows)} vectors for {count} texts")
        return [self._checked(vector) for vector in vectors]

    def _checked(self, vector: Vector) -> Vector:
        length = float(np.linalg.norm(vector)) if vector.ndim == 1 else 0.0
        if not (np.isfinite(length) and length > 0):
            raise EmbeddingFailed(f"{self.model}: a vector has no direction")
        self._dimension = self._dimension or len(vector)
        if len(vector) != self._dimension:
            raise EmbeddingFailed(
                f"{self.model}: a vector of {len(vector)} dimensions after ones of {self._dimension}"
            )
        return vector / np.float32(length)


def _rows(answer: Any) -> dict[int, list[float]]:
    """Return the vectors by the places of their texts; servers may answer in any order."""
    return {int(row["index"]): row["embedding"] for row in answer["data"]}


def _cut(text: str) -> str:
    """Truncate a text. Servers refuse an empty input, so a full stop is sent instead."""
    cut = clean(text[:_CHARS]).encode()[:_BYTES].decode(errors="ignore")
    return cut if cut.strip() else "."
