"""Standalone activities by which operators see and move what all workers share: effects, breakers, accounts."""

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.state.base import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.budget import AccountList, ListAccounts
from holdfast_workflows.contracts.circuits import CircuitList, CircuitView, ListCircuits, SetCircuit
from holdfast_workflows.contracts.effects import EffectList, ListEffects
from holdfast_workflows.contracts.errors import CircuitUnknown, HoldfastError, to_failure

_MOST = 500
"""Rows in one answer, which has to fit a payload, be their previews ever so hard to write."""

_KINDS = ("provider", "tool", "memory")


class Operating:
    """What operators may see and move."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._shared = state.shared

    @activity.defn(name=names.LIST_EFFECTS)
    async def list_effects(self, ask: ListEffects) -> EffectList:
        """A session's effects, or all those with a status."""
        try:
            found = await self._shared.effects.list(ask.session, ask.status, min(ask.limit, _MOST))
            unknown = bool(ask.session) and not found and not await self._state.knows(ask.session)
        except HoldfastError as error:
            raise to_failure(error) from error
        return EffectList(effects=tuple(found), unknown=unknown)

    @activity.defn(name=names.LIST_CIRCUITS)
    async def list_circuits(self, _ask: ListCircuits) -> CircuitList:
        """All breakers that ever saw a failure."""
        try:
            return CircuitList(circuits=tuple(await self._shared.circuits.load()))
        except HoldfastError as error:
            raise to_failure(error) from error

    @activity.defn(name=names.SET_CIRCUIT)
    async def set_circuit(self, change: SetCircuit) -> CircuitView:
        """Open a breaker by hand for a while, or close it."""
        try:
            kind, _, name = change.name.partition(":")
            if kind not in _KINDS or not name:
                raise CircuitUnknown(change.name)
            now = clock.now()
            opened = change.state == "open"
            view = CircuitView(
                name=change.name,
                state=change.state,
                until=now + change.seconds if opened else 0.0,
                opened=now if opened else 0.0,
                manual=opened,
                reason=change.reason,
            )
            return await self._shared.circuits.set(view)
        except HoldfastError as error:
            raise to_failure(error) from error

    @activity.defn(name=names.LIST_ACCOUNTS)
    async def list_accounts(self, ask: ListAccounts) -> AccountList:
        """Accounts whose name begins as asked."""
        try:
            found = await self._shared.accounts.list(ask.prefix, min(ask.limit, _MOST))
        except HoldfastError as error:
            raise to_failure(error) from error
        return AccountList(accounts=tuple(found))
