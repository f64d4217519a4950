"""Breakers, limits and retries of one worker, on the state that all workers share."""

from temporalio.common import MetricMeter

from holdfast_activities.state.database import State

from .breakers import Breakers
from .limits import Limits
from .meters import Meters
from .retrying import Retries


class Resilience:
    """The protections of a call, in the order of use.

    ``breakers`` come first, since an unused admission can be returned; ``limits`` just before the call;
    ``retries`` after a failure.
    """

    def __init__(self, state: State, meter: MetricMeter | None = None) -> None:
        self.breakers = Breakers(state.breakers, meter=meter)
        self.limits = Limits(state.rates, meter=meter)
        self.retries = Retries(meter)
        self.meters = Meters(meter)

    async def close(self) -> None:
        """Return leases and finish reports; call this before closing the state."""
        await self.breakers.close()
        await self.limits.close()
