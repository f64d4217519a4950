"""The protections of one worker, over the state that all workers share."""

from temporalio.common import MetricMeter

from holdfast_activities.state.database import State

from .breakers import Breakers
from .limits import Limits
from .meters import Meters
from .retrying import Retries


class Resilience:
    """What every call goes through.

    Attributes:
        breakers: Ask these first: they cost nothing, and an admission that is not used can be handed back.
        limits: Ask these just before the call is made.
        retries: Ask these when it failed.
        meters: What is counted.
    """

    def __init__(self, state: State, meter: MetricMeter | None = None) -> None:
        self.breakers = Breakers(state.breakers, meter=meter)
        self.limits = Limits(state.rates, meter=meter)
        self.retries = Retries(meter)
        self.meters = Meters(meter)

    async def close(self) -> None:
        """Give back what is held; call it before the state is closed."""
        await self.breakers.close()
        await self.limits.close()
