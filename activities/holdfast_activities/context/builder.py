"""The prompt from what there is, within a budget: a pure function."""

from collections.abc import Sequence
from dataclasses import dataclass

from .draft import Draft, Scene
from .prompt_parts import PromptPart
from .strategies import STRATEGIES, MinimalContext, share_memories, write_again

TASK_SHARE = 0.3
"""The most that the running turn's message takes of a budget that not everything fits into."""

_SLIDE_TO = 0.75
"""How full the window is after it was shortened: far enough that the prompt's beginning then stays
the same for many steps, which is what providers' prompt caches want."""

_RESERVE = 0.2
"""The part of a model's window kept for its reply and for what the token estimate misses."""

_SHORTEST_PROMPT = 500
"""Tokens of conversation that are sent whatever the window is."""


@dataclass(frozen=True, slots=True)
class PromptBudget:
    """What a prompt may take.

    ``window`` and ``reserve`` are tokens as the provider counts them; ``instructions`` and ``tools`` are
    estimates, which take ``ratio`` times as many of those.
    """

    context_window: int
    reserve: int
    ratio: float = 1.0
    instructions: int = 0
    tools: int = 0

    @property
    def tokens(self) -> int:
        """What is left for the prompt, as the provider counts."""
        return self.context_window - self.reserve

    @property
    def limit(self) -> int:
        """What is left for the conversation, in estimated tokens."""
        left = int(self.tokens / self.ratio) - self.instructions - self.tools
        return max(left, _SHORTEST_PROMPT)

    @property
    def share(self) -> int:
        """The most that the running turn's message takes where not everything fits, in estimated tokens."""
        return min(int(self.tokens / self.ratio * TASK_SHARE), self.limit)


def budget(
    window: int, *, ratio: float = 1.0, instructions: int = 0, tools: int = 0, reply: int = 0
) -> PromptBudget:
    """The budget of a prompt: the window less a reserve for a reply of ``reply`` tokens."""
    reserve = max(int(window * _RESERVE), min(reply, window // 2))
    return PromptBudget(window, reserve, ratio, instructions, tools)


def build(pieces: Sequence[PromptPart], scene: Scene, limit: int, share: int) -> Draft:
    """The pieces to send, in order, and those left out.

    Args:
        pieces: The conversation as it was sent last, with what is new.
        scene: What must be known to shorten it.
        limit: Tokens that it may take, estimated.
        share: Tokens that the running turn's message may take where not everything fits.
    """
    task = next((piece.tokens for piece in pieces if piece.seq == scene.task), 0)
    draft = Draft(scene, list(pieces), limit, int(limit * _SLIDE_TO), share)
    share_memories(draft, task)
    if draft.tokens <= limit:
        return draft
    if task > share:
        # The message will be cut, and leaves its memories more room.
        draft = Draft(scene, list(pieces), limit, draft.goal, share)
        share_memories(draft, share)
    write_again(draft, renew=True)
    for strategy in STRATEGIES:
        enough = draft.limit if isinstance(strategy, MinimalContext) else draft.goal
        if draft.tokens > enough:
            strategy(draft)
    return draft
