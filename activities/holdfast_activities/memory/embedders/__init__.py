"""Embedders, which turn texts into vectors."""

from .choosing import choose_embedder, no_embedder_warning
from .guarded import GuardedEmbedder
from .minilm import MiniLM

__all__ = ["GuardedEmbedder", "MiniLM", "choose_embedder", "no_embedder_warning"]
