"""Budgets of a run: what is counted here, what is charged in the state database, and what is done at the end of it.

Steps, tool calls and seconds are counted by the workflow, so a replay counts the same.
Tokens and dollars are charged where they are used; a model call that has no budget comes
back unmade, and says which limit stood in the way.
"""

from temporalio import workflow

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.budget import Allowance, Budget, Spent
from holdfast_workflows.contracts.effects import PendingDecision

from . import budget_limits, continue_as_new
from . import waiting as asking
from .state import SessionState

_TENANT_AGAIN = 300.0
"""Seconds until a tenant's budget, which no session can raise, is tried again."""

_CHARGED = frozenset({"tokens", "dollars"})


class BudgetTracker:
    """The limits of a session as they are now, and what happens when one is reached."""

    def __init__(self, state: SessionState) -> None:
        self._state = state

    @property
    def _limits(self) -> Budget:
        return self._state.budget or Budget()

    @property
    def finishes(self) -> bool:
        """Whether what is left at the end is for a last call, without tools."""
        return self._limits.when_spent in {"finish", "degrade"}

    # What a model call may use.

    def allowance(self) -> Allowance | None:
        """The account that model calls are charged to, beside the tenant's; None where nothing is limited."""
        limits, account = self._limits, self._state.start.account
        if not account and limits.tokens is None and limits.dollars is None:
            return None
        return Allowance(
            account=account or names.run_account(workflow.info().workflow_id),
            tokens=limits.tokens,
            dollars=limits.dollars,
        )

    def calls_left(self) -> int | None:
        """Tool calls that may still be made."""
        limit = self._limits.tool_calls
        return None if limit is None else max(0, limit - self._state.spending.tool_calls)

    def max_steps(self, most: int) -> int:
        """How many steps one activity may take; the last one that is left is for the answer."""
        left = self._steps_left()
        if left is None:
            return most
        return max(1, min(most, left - 1 if self.finishes else left))

    def _steps_left(self) -> int | None:
        limit = self._limits.steps
        return None if limit is None else max(0, limit - self._state.spending.steps)

    # What stands in the way.

    def spent(self) -> Spent | None:
        """The limit counted here, if any, that stands in the way of a further step."""
        limits, spending, final = self._limits, self._state.spending, self._state.turn.final
        kept = 1 if self.finishes and not final else 0  # for the answer
        if limits.steps is not None and limits.steps - spending.steps <= kept:
            return Spent(what="steps", limit=limits.steps, used=spending.steps)
        if limits.seconds is not None and not final and self._state.seconds >= limits.seconds:
            return Spent(what="seconds", limit=limits.seconds, used=round(self._state.seconds, 1))
        return None

    async def apply(self, spent: Spent) -> None:
        """Do what the budget says should be done at its end, so that the turn may try its next step.

        Raises:
            BudgetExhausted: Nothing more is to be done.
            TurnCancelled: The turn was cancelled while it waited for a person.
        """
        limits, turn = self._limits, self._state.turn
        if limits.when_spent == "ask":
            return await self._ask(spent, may_roll_over=True)
        cheaper = limits.cheaper if limits.when_spent == "degrade" and spent.what in _CHARGED else ""
        if cheaper and turn.model != cheaper:
            self._state.change(model=cheaper)
            return self._tell(spent, f"going on with {cheaper}")
        if not self.finishes or turn.final or not self._one_more(spent):
            raise errors.BudgetExhausted(budget_limits.said(spent))
        self._state.change(final=True)
        return self._tell(spent, "answering with what there is")

    def _one_more(self, spent: Spent) -> bool:
        """Whether there may be one more model call: within the steps, and for work that was begun in time."""
        if spent.what == "steps":
            return self._steps_left() != 0
        return spent.what != "seconds" or self._state.turn.step > 0

    async def allow_calls(self, wanted: int) -> int:
        """How many of the calls that the model wants may be made.

        Raises:
            BudgetExhausted: Fewer than wanted, and the budget says to stop.
            TurnCancelled: The turn was cancelled while it waited for a person.
        """
        while (left := self.calls_left()) is not None and left < wanted:
            spending, limit = self._state.spending, self._limits.tool_calls or 0
            spent = Spent(what="tool_calls", limit=limit, used=spending.tool_calls)
            if self._limits.when_spent == "ask":
                await self._ask(spent, may_roll_over=False)
            elif self.finishes:
                self._state.change(final=True)
                self._tell(spent, "answering with what there is")
                return left
            else:
                raise errors.BudgetExhausted(budget_limits.said(spent))
        return wanted

    def count_step(self, calls: int) -> None:
        """A step was taken, with so many calls carried out in it."""
        spending = self._state.spending
        self._state.spending = spending.model_copy(
            update={"steps": spending.steps + 1, "tool_calls": spending.tool_calls + calls}
        )

    def count_calls(self, calls: int) -> None:
        """So many calls are carried out."""
        spending = self._state.spending
        self._state.spending = spending.model_copy(update={"tool_calls": spending.tool_calls + calls})

    # People.

    async def _ask(self, spent: Spent, *, may_roll_over: bool) -> None:
        """Wait until somebody raises the limit; a tenant's is tried again after a while."""
        state, of_tenant = self._state, spent.scope == "tenant"
        waiting = PendingDecision(
            id=f"budget-{state.turn.turn}", kind="budget", what=budget_limits.said(spent)
        )

        def ready() -> bool:
            raised = not of_tenant and budget_limits.higher(self._limits, spent)
            return raised or (may_roll_over and continue_as_new.due(state))

        decided = await asking.decision(state, waiting, ready, seconds=_TENANT_AGAIN if of_tenant else None)
        if not may_roll_over:  # else the turn's own loop holds what is paused, and may roll over there
            await asking.resumed_after(state)
        if state.cancelled:
            raise errors.TurnCancelled(state.turn.cancelled)
        if decided is not None:
            raise errors.BudgetExhausted(budget_limits.said(spent))

    def _tell(self, spent: Spent, then: str) -> None:
        self._state.emit("budget", f"{budget_limits.said(spent)}: {then}")
