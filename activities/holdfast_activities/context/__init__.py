"""What the model sees of a session."""

from .cache import Conversations
from .conversation import Conversation

__all__ = ["Conversation", "Conversations"]
