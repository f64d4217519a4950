"""``settle_turn``: a turn and the session's snapshot, written after the reply has gone out."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError, to_failure
from holdfast_workflows.contracts.steps import SettleInput

from .model_call import new_entries


class SettleTurn:
    """The activity that ends every turn."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.SETTLE_TURN)
    async def settle_turn(self, change: SettleInput) -> int:
        """Write it once; a repeated change finds itself done."""
        try:
            await self._write(change)
            return await self._state.settle_turn(change)
        except HoldfastError as error:
            raise to_failure(error) from error

    async def _write(self, change: SettleInput) -> None:
        if change.new:
            new = await new_entries.entries(self._state, change.session, change.new)
            await self._state.log.settle(change.session, new)
