"""``settle_turn``: write a turn and the session's snapshot after the reply was returned."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_activities.state.log.extras import LogExtras
from holdfast_activities.teams.routing.places import Places
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.steps import SettleInput

from .common.failures import reports_failures
from .common.log_writes import new_entries


class SettleTurn:
    """The activity that ends every turn."""

    def __init__(self, state: State, places: Places) -> None:
        self._state = state
        self._places = places

    @activity.defn(name=names.SETTLE_TURN)
    @reports_failures
    async def settle_turn(self, change: SettleInput) -> int:
        """Write the change once; a repeated one returns what the first wrote."""
        new = await new_entries(self._state, change.session, change.new)
        if change.audit:
            await self._state.log.settle_with(change.session, new, LogExtras(audit=change.audit))
        elif new:
            await self._state.log.settle(change.session, new)
        if change.turn is not None:
            # Before the write, after which a lost worker's activity would not run again.
            spans.turn(change.session, change.agent, change.turn)
        version = await self._state.settle_turn(change)
        if change.routed:
            await self._places.finish(change.session, change.turn.status if change.turn else "cancelled")
        return version
