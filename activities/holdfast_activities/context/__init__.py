"""The prompt: what a model gets of a session."""

from .builder import PromptBudget, budget, build
from .cache import Conversations
from .cleaning import cleaned, smaller
from .conversation import Conversation
from .manifests import PromptAccount
from .prompt_parts import Item
from .rendering import recalled
from .token_calibration import TokenCalibration

__all__ = [
    "Conversation",
    "Conversations",
    "Item",
    "PromptAccount",
    "PromptBudget",
    "TokenCalibration",
    "budget",
    "build",
    "cleaned",
    "recalled",
    "smaller",
]
