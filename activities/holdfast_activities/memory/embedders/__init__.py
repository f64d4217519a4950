"""What turns texts into vectors."""

from .choosing import choose_embedder
from .minilm import MiniLM
from .openai import OpenAIEmbedder

__all__ = ["MiniLM", "OpenAIEmbedder", "choose_embedder"]
