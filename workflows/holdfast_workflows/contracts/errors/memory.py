"""Errors of memory stores and embedders."""

from .base import HoldfastError
from .requests import BadInput


class MemoryFailed(HoldfastError, code="memory", kind="transient", retryable=True):
    """The memory store failed."""


class MemoryUnavailable(MemoryFailed, code="memory_unavailable"):
    """The memory store cannot be reached; check HOLDFAST_MEMORY_URL and that the store runs. Turns continue without memories."""


class EmbeddingMismatch(BadInput, code="embedding_mismatch"):
    """The stored memories have vectors of another embedding model than this worker's; set HOLDFAST_EMBEDDINGS back, or run `holdfast memory migrate` to embed them again."""


class EmbeddingFailed(HoldfastError, code="embedding", kind="transient", retryable=True):
    """The embedder returned no embedding; check HOLDFAST_EMBEDDINGS and that its server runs."""

    account: bool = False
    """Whether the key or the account was refused, so that every other request would be refused too."""


class EmbedderBroken(BadInput, code="embedder_broken"):
    """The embedding model cannot be used; check HOLDFAST_EMBEDDINGS, and the folder or extra that it needs."""
