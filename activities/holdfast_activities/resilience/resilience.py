"""Breakers, limits and retries of one worker, on the state that all workers share."""

from temporalio.common import MetricMeter

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.operations.instruments import Instruments

from .breakers import Breakers
from .limits import Limits
from .retrying import Retries


class Resilience:
    """The protections of a call, in the order of use.

    ``breakers`` come first, since an unused admission can be returned; ``limits`` just before the call;
    ``retries`` after a failure. ``metrics`` records all of a worker's activities.
    """

    def __init__(self, state: State, meter: MetricMeter | None = None) -> None:
        self.metrics = Instruments(meter)
        self.breakers = Breakers(state.breakers, metrics=self.metrics)
        self.limits = Limits(state.rates, metrics=self.metrics)
        self.retries = Retries(self.metrics)

    async def close(self) -> None:
        """Return leases and finish reports; call this before closing the state."""
        await self.breakers.close()
        await self.limits.close()
