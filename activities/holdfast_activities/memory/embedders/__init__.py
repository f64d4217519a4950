"""What turns texts into vectors."""

from .choosing import choose_embedder, unchosen
from .guarded import GuardedEmbedder
from .minilm import MiniLM

__all__ = ["GuardedEmbedder", "MiniLM", "choose_embedder", "unchosen"]
