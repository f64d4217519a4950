"""What the model sees of a session."""

from .builder import Budget, budget, build
from .cache import Conversations
from .cleaning import cleaned, smaller
from .conversation import Conversation
from .manifests import Account
from .pieces import Item
from .ratios import Ratios
from .rendering import recalled

__all__ = [
    "Account",
    "Budget",
    "Conversation",
    "Conversations",
    "Item",
    "Ratios",
    "budget",
    "build",
    "cleaned",
    "recalled",
    "smaller",
]
