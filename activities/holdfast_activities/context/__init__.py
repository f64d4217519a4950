"""What the model sees of a session."""

from .cache import Conversations
from .cleaning import cleaned, smaller
from .conversation import Conversation

__all__ = ["Conversation", "Conversations", "cleaned", "smaller"]
