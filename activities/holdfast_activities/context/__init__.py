"""The prompt: what a model gets of a session."""

from .cache import Conversations
from .cleaning import cleaned, smaller
from .conversation import Conversation
from .prompt.builder import PromptBudget, budget, build
from .prompt.manifests import PromptAccount
from .prompt.prompt_parts import Item
from .prompt.rendering import recalled
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
