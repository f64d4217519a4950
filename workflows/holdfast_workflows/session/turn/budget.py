"""Budgets of a run: counting, and what happens when a limit is reached.

The workflow counts steps, tool calls and seconds, so a replay counts the same. Activities charge
tokens and dollars; a model call without budget returns the limit that it would exceed.
"""

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.budget import Budget, Spent
from holdfast_workflows.contracts.control.inbox import InboxItem

from ..inbox import waits
from ..state import budget_limits, continue_as_new, waiting
from ..state.state import SessionState

_TENANT_AGAIN = 300.0
"""Seconds until a tenant's budget, which a session cannot raise, is checked again."""

_CHARGED = frozenset({"tokens", "dollars"})


class BudgetTracker:
    """The session's current limits, and what happens when one is reached."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    @property
    def _limits(self) -> Budget:
        return self._state.budget or Budget()

    @property
    def finishes(self) -> bool:
        """Whether the last part of the budget is for a final call without tools."""
        return self._limits.when_spent in {"finish", "degrade"}

    # What a model call may use.

    def calls_left(self) -> int | None:
        """Tool calls left in the budget; None without a limit."""
        limit = self._limits.tool_calls
        return None if limit is None else max(0, limit - self._state.spending.tool_calls)

    def max_steps(self, most: int) -> int:
        """Steps that one activity may take, at most ``most``; the last one is left for the answer."""
        left = self._steps_left()
        if left is None:
            return most
        return max(1, min(most, left - 1 if self.finishes else left))

    def _steps_left(self) -> int | None:
        limit = self._limits.steps
        return None if limit is None else max(0, limit - self._state.spending.steps)

    # Limits that are reached.

    def spent(self) -> Spent | None:
        """Return the limit, if any, that allows no further step."""
        limits, spending, final = self._limits, self._state.spending, self._state.turn.final
        reserved = 1 if self.finishes and not final else 0  # for the answer
        if limits.steps is not None and limits.steps - spending.steps <= reserved:
            return Spent(what="steps", limit=limits.steps, used=spending.steps)
        if limits.seconds is not None and not final and self._state.seconds >= limits.seconds:
            return Spent(what="seconds", limit=limits.seconds, used=round(self._state.seconds, 1))
        return None

    async def apply(self, spent: Spent) -> None:
        """Apply ``when_spent``, so that the turn can try its next step.

        Raises:
            BudgetExhausted: The budget allows no next step.
            TurnCancelled: The turn was cancelled while it waited for a person.
        """
        limits, turn = self._limits, self._state.turn
        if spent.scope == "parent" and self._stops:
            raise errors.BudgetExhausted(budget_limits.describe(spent))
        if limits.when_spent == "ask" and spent.scope != "parent":
            return await self._ask(spent, may_continue_as_new=True)
        cheaper = limits.cheaper if limits.when_spent == "degrade" and spent.what in _CHARGED else ""
        if cheaper and turn.model != cheaper:
            self._state.change(model=cheaper)
            return self._emit(spent, f"going on with {cheaper}")
        finishes = self.finishes or limits.when_spent == "ask"
        if not finishes or turn.final or not self._one_more(spent):
            raise errors.BudgetExhausted(budget_limits.describe(spent))
        self._state.change(final=True)
        return self._emit(spent, "answering with what there is")

    @property
    def _stops(self) -> bool:
        """Whether the budget above is to be kept for others, instead of a short answer."""
        above = self._state.start.parent
        return above is not None and above.allowance is not None and above.allowance.stops

    def _one_more(self, spent: Spent) -> bool:
        """Whether one more model call is allowed: within the steps, and after a step within the time."""
        if spent.what == "steps":
            return self._steps_left() != 0
        return spent.what != "seconds" or self._state.turn.step > 0

    async def allow_calls(self, wanted: int) -> int:
        """Return how many of the ``wanted`` tool calls may be made.

        Raises:
            BudgetExhausted: Fewer than wanted, and ``when_spent`` is ``stop``.
            TurnCancelled: The turn was cancelled while it waited for a person.
        """
        while (left := self.calls_left()) is not None and left < wanted:
            spending, limit = self._state.spending, self._limits.tool_calls or 0
            spent = Spent(what="tool_calls", limit=limit, used=spending.tool_calls)
            if self._limits.when_spent == "ask":
                await self._ask(spent, may_continue_as_new=False)
            elif self.finishes:
                self._state.change(final=True)
                self._emit(spent, "answering with what there is")
                return left
            else:
                raise errors.BudgetExhausted(budget_limits.describe(spent))
        return wanted

    def count(self, *, steps: int = 0, calls: int = 0) -> None:
        """Count steps and tool calls."""
        spending = self._state.spending
        self._state.inbox.discard(self._item)  # it was enough, after all
        self._state.spending = spending.model_copy(
            update={"steps": spending.steps + steps, "tool_calls": spending.tool_calls + calls}
        )

    async def _ask(self, spent: Spent, *, may_continue_as_new: bool) -> None:
        """Wait until the limit is raised; a tenant's limit is checked again after a while."""
        state, of_tenant = self._state, spent.scope == "tenant"
        item = InboxItem(id=self._item, kind="budget", what=budget_limits.describe(spent))
        answer = await waits.ask(
            state,
            item,
            done=lambda: not of_tenant and budget_limits.higher(self._limits, spent),
            interrupted=lambda: may_continue_as_new and continue_as_new.due(state),
            seconds=_TENANT_AGAIN if of_tenant else None,
        )
        if not may_continue_as_new:  # otherwise the turn loop waits for the resume
            await waiting.resumed_off_clock(state)
        if state.cancelled:
            raise errors.TurnCancelled(state.turn.cancelled)
        if answer is not None:
            raise errors.BudgetExhausted(budget_limits.describe(spent))

    @property
    def _item(self) -> str:
        return f"budget-{self._state.turn.turn}"

    def _emit(self, spent: Spent, then: str) -> None:
        self._state.emit("budget", f"{budget_limits.describe(spent)}: {then}")
