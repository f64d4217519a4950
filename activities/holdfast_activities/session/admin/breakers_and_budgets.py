"""Standalone activities for operators: effects, breakers and budgets shared by all workers."""

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import BudgetList, ListBudgets
from holdfast_workflows.contracts.errors import BreakerUnknown
from holdfast_workflows.contracts.operations.breakers import (
    BreakerList,
    BreakerView,
    ListBreakers,
    SetBreaker,
)
from holdfast_workflows.contracts.operations.effects import EffectList, ListEffects

from ..common.audited import operated
from ..common.failures import reports_failures

_MOST = 500  # maximum rows in one result, so that it fits a payload

_KINDS = ("provider", "tool", "memory")


class BreakersAndBudgets:
    """The activities for effects, breakers and budgets."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.LIST_EFFECTS)
    @reports_failures
    async def list_effects(self, ask: ListEffects) -> EffectList:
        """List a session's effects, or all with a status."""
        found = await self._state.effects.list(ask.session, ask.status, min(ask.limit, _MOST))
        unknown = bool(ask.session) and not found and not await self._state.knows(ask.session)
        return EffectList(effects=tuple(found), unknown=unknown)

    @activity.defn(name=names.LIST_BREAKERS)
    @reports_failures
    async def list_breakers(self, _ask: ListBreakers) -> BreakerList:
        """List all breakers that have recorded a failure."""
        return BreakerList(breakers=tuple(await self._state.breakers.load()))

    @activity.defn(name=names.SET_BREAKER)
    @reports_failures
    async def set_breaker(self, change: SetBreaker) -> BreakerView:
        """Open a breaker manually for some time, or close it."""
        kind, _, name = change.name.partition(":")
        if kind not in _KINDS or not name:
            raise BreakerUnknown(change.name)
        now = clock.now()
        opened = change.state == "open"
        view = BreakerView(
            name=change.name,
            state=change.state,
            until=now + change.seconds if opened else 0.0,
            opened=now if opened else 0.0,
            manual=opened,
            reason=change.reason,
        )
        # Before the change: an attempt that is interrupted in between is repeated.
        until = f"{view.until:.0f}" if opened else ""
        action = "breaker_opened" if opened else "breaker_closed"
        record = operated(action, subject=change.name, reason=change.reason, details={"until": until})
        await self._state.append_audit(record)
        return await self._state.breakers.set(view)

    @activity.defn(name=names.LIST_BUDGETS)
    @reports_failures
    async def list_budgets(self, ask: ListBudgets) -> BudgetList:
        """List the budgets whose name has a prefix."""
        found = await self._state.budgets.list(ask.prefix, min(ask.limit, _MOST))
        if ask.tenant:
            # Tenants' names may contain colons, so a prefix may be that of others, too.
            found = [
                each for each in found if each.account == names.tenant_account(ask.tenant, each.account[-10:])
            ]
        return BudgetList(budgets=tuple(found))
