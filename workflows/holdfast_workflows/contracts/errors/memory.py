"""What goes wrong with memories and with the embeddings they are found by."""

from .base import HoldfastError
from .requests import BadInput


class MemoryFailed(HoldfastError):
    """The memory store did not do what was asked."""

    code = "memory"
    kind = "transient"
    retryable = True


class MemoryUnavailable(MemoryFailed):
    """The memory store cannot be reached; check HOLDFAST_MEMORY_URL and that it is up. Turns go on without it."""

    code = "memory_unavailable"


class EmbeddingMismatch(BadInput):
    """The memories were embedded by another model than this worker's; set HOLDFAST_EMBEDDINGS back, or run `holdfast memory migrate` to embed them again."""

    code = "embedding_mismatch"


class EmbeddingFailed(HoldfastError):
    """No embedding came back; check HOLDFAST_EMBEDDINGS and that its server is up."""

    code = "embedding"
    kind = "transient"
    retryable = True
    account: bool = False
    """Whether the key or the account was refused, so that every other request would be, too."""


class EmbedderBroken(BadInput):
    """The embedding model cannot be used as it is; check HOLDFAST_EMBEDDINGS, and its folder or extra."""

    code = "embedder_broken"
