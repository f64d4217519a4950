"""Model clients: one call over one wire format, with no retries inside."""

from .base import Fragment, Model, ModelReply, ModelRequest, Remaining
from .config import ProviderConfig, providers_from
from .registry import Models

__all__ = [
    "Fragment",
    "Model",
    "ModelReply",
    "ModelRequest",
    "Models",
    "ProviderConfig",
    "Remaining",
    "providers_from",
]
