"""Build a prompt within a budget: a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass

from .draft import Draft, TurnContext
from .prompt_parts import PromptPart
from .strategies import STRATEGIES, minimise, repeat_working_memory, share_memories

TASK_SHARE = 0.3  # maximum share of the running turn's message in the budget if not everything fits

_SLIDE_TO = 0.75
"""Share of the limit that a prompt is shortened to. So its beginning stays the same for many steps, as prompt caches
need it."""

_RESERVE = 0.2
"""Share of the context window reserved for the reply and for errors of the token estimate."""

_SHORTEST_PROMPT = 500  # tokens of conversation that are sent even if the window is too small


@dataclass(frozen=True, slots=True)
class PromptBudget:
    """The tokens of a prompt.

    ``context_window`` and ``reserve`` are tokens as the provider counts them. ``instructions`` and ``tools`` are
    estimates; times ``ratio`` they are provider tokens.
    """

    context_window: int
    reserve: int
    ratio: float = 1.0
    instructions: int = 0
    tools: int = 0

    @property
    def tokens(self) -> int:
        """Tokens of the prompt, as the provider counts."""
        return self.context_window - self.reserve

    @property
    def limit(self) -> int:
        """Estimated tokens of the conversation."""
        left = int(self.tokens / self.ratio) - self.instructions - self.tools
        return max(left, _SHORTEST_PROMPT)

    @property
    def share(self) -> int:
        """Maximum of the running turn's message if not everything fits, in estimated tokens."""
        return min(int(self.tokens / self.ratio * TASK_SHARE), self.limit)


def budget(
    window: int, *, ratio: float = 1.0, instructions: int = 0, tools: int = 0, reply: int = 0
) -> PromptBudget:
    """Return the budget of a prompt whose reply may take ``reply`` tokens."""
    reserve = max(int(window * _RESERVE), min(reply, window // 2))
    return PromptBudget(window, reserve, ratio, instructions, tools)


def build(pieces: Sequence[PromptPart], context: TurnContext, limit: int, share: int) -> Draft:
    """Select and shorten the parts to send.

    Args:
        pieces: The conversation as it was last sent, with the new parts.
        context: What the strategies need to know.
        limit: Estimated tokens of the result.
        share: Maximum of the running turn's message if not everything fits.
    """
    task = next((piece.tokens for piece in pieces if piece.seq == context.task), 0)
    draft = Draft(context, list(pieces), limit, int(limit * _SLIDE_TO), share)
    share_memories(draft, task)
    if draft.tokens <= limit:
        return draft
    if task > share:
        # The message will be cut, which leaves more space for memories.
        draft = Draft(context, list(pieces), limit, draft.goal, share)
        share_memories(draft, share)
    repeat_working_memory(draft, renew=True)
    for strategy in STRATEGIES.values():
        if draft.tokens > (draft.limit if strategy is minimise else draft.goal):
            strategy(draft)
    return draft
