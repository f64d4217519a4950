"""The manifest of a prompt: what was sent, cut and left out, in tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast_workflows.contracts.session.entries import ReplyEntry
from holdfast_workflows.contracts.session.manifests import Manifest

from .builder import PromptBudget
from .prompt_parts import Item
from .strategies import STRATEGIES

_LEAST_REPORTED = 50  # percent


@dataclass(frozen=True, slots=True)
class PromptAccount:
    """How a prompt was built. ``need`` is the size of the complete conversation in estimated tokens.

    ``spec`` is the digest of the agent's spec.
    """

    model: str
    budget: PromptBudget
    items: Sequence[Item]
    need: int
    spec: str = ""

    @property
    def estimated(self) -> int:
        """Estimated tokens of the prompt, before calibration."""
        return self.budget.instructions + self.budget.tools + sum(item.tokens for item in self.items)

    @property
    def context(self) -> int:
        """Percent of the conversation's budget that the complete conversation needs; 0 below half.

        Instructions and tools are excluded, because shortening the conversation does not change them.
        """
        percent = round(100 * self.need / self.budget.limit)
        return percent if percent >= _LEAST_REPORTED else 0

    def manifest(self, session: str, reply: ReplyEntry, reported: int) -> Manifest:
        """Return the manifest of the prompt of ``reply``; ``reported`` is the provider's token count."""
        budget = self.budget
        fixed = [Item("instructions", "whole", budget.instructions)]
        if budget.tools:
            fixed.append(Item("tools", "whole", budget.tools))
        listed = [item.listed(budget.ratio) for item in (*fixed, *self.items)]
        used = {item.reason.strategy for item in self.items if item.reason is not None}
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
            strategies=tuple(name for name in STRATEGIES if name in used),
            items=tuple(listed),
            at=reply.at,
            spec=self.spec,
        )
