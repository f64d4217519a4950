"""What turns texts into vectors."""

from .choosing import choose_embedder, unchosen
from .guarded import GuardedEmbedder
from .minilm import MiniLM
from .openai import OpenAIEmbedder

__all__ = ["GuardedEmbedder", "MiniLM", "OpenAIEmbedder", "choose_embedder", "unchosen"]
