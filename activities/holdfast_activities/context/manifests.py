"""The manifest of a prompt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast_workflows.contracts.session.entries import ReplyEntry
from holdfast_workflows.contracts.session.manifests import Manifest

from .builder import PromptBudget
from .prompt_parts import Item
from .strategies import STRATEGIES

_HALF = 50


@dataclass(frozen=True, slots=True)
class PromptAccount:
    """How a prompt was made, until its reply is there and its manifest is written.

    ``need`` is what the conversation would have taken whole, in estimated tokens.
    """

    model: str
    budget: PromptBudget
    items: Sequence[Item]
    need: int

    @property
    def estimated(self) -> int:
        """Tokens of the whole prompt, before any ratio."""
        return self.budget.instructions + self.budget.tools + sum(item.tokens for item in self.items)

    @property
    def context(self) -> int:
        """How full the prompt was before anything was cut or left out; 0 below half.

        In percent of what instructions and tools leave of its budget: nothing that is done to the
        conversation makes those shorter.
        """
        percent = round(100 * self.need / self.budget.limit)
        return percent if percent >= _HALF else 0

    def manifest(self, session: str, reply: ReplyEntry, reported: int) -> Manifest:
        """The manifest of the prompt that ``reply`` answers; ``reported`` is what its provider counted."""
        budget = self.budget
        listed = [item.listed(budget.ratio) for item in (*_fixed(budget), *self.items)]
        done = {item.reason.strategy for item in self.items if item.reason is not None}
        return Manifest(
            session=session,
            seq=reply.seq,
            turn=reply.turn,
            step=reply.step,
            model=self.model,
            context_window=budget.context_window,
            reserve=budget.reserve,
            budget=budget.tokens,
            estimated=sum(item.tokens for item in listed),
            reported=reported,
            ratio=round(budget.ratio, 4),
            strategies=tuple(strategy.name for strategy in STRATEGIES if strategy.name in done),
            items=tuple(listed),
            at=reply.at,
        )


def _fixed(budget: PromptBudget) -> Iterable[Item]:
    yield Item("instructions", "whole", budget.instructions)
    if budget.tools:
        yield Item("tools", "whole", budget.tools)
