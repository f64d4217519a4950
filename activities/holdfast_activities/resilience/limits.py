"""Rate limits, shared by all workers through leases.

A worker leases a part of a key's rate for ``HELD`` seconds and spends it without asking;
what is left then goes back. What calls really used corrects the lease, and what a
provider says is left bounds it. A provider that names a time to wait blocks its key for
all workers. While the database does not answer, calls go out: the provider's own limit
is still there.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from temporalio.common import MetricMeter

from holdfast_activities import clock
from holdfast_activities.models.base import Remaining
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.state.coordination.rates import RateStore
from holdfast_workflows.contracts.errors import HoldfastError, LimitReached

from .meters import Meters
from .rate_lease import Portion
from .refreshing import Reach, Refresher

HELD = 5.0
"""Seconds a lease is held."""

SHORT = 2.0
"""Seconds that are waited out here; for longer a run parks and holds nothing."""

_KEPT = 120.0  # seconds without use after which a key, such as a tenant's, is forgotten
_LONGEST = 3_600.0  # seconds that anybody is told to wait
_LATE = 0.05  # part of a wait that is added by chance, so that those who wait do not wake together


class Limits:
    """The limits of every key, as this worker knows them."""

    def __init__(
        self,
        rates: RateStore,
        *,
        clock: Callable[[], float] = clock.now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        meter: MetricMeter | None = None,
    ) -> None:
        self._shared = rates
        self._clock = clock
        self._sleep = sleep
        self._meters = Meters(meter)
        self._portions: dict[str, Portion] = {}
        self._blocked: dict[str, float] = {}
        self._reach = Reach()
        self._copy = Refresher(self.refresh)

    async def take(self, key: str, rate: Rate, tokens: int) -> None:
        """Use one request and so many tokens, as estimated, of a key's rate.

        Raises:
            LimitReached: They are not there within ``SHORT`` seconds; ``retry_after`` says when to ask again.
        """
        await self._copy.fresh()
        if key not in self._blocked and rate.requests is None and rate.tokens is None:
            return
        deadline = self._clock() + SHORT
        while (seconds := await self._try(key, rate, tokens)) > 0:
            if self._clock() + seconds > deadline:
                raise self._refusal(key, rate, tokens, seconds)
            await self._sleep(seconds * random.uniform(1, 1 + _LATE))

    def settle(
        self,
        key: str,
        rate: Rate,
        estimated: int,
        used: int,
        remaining: Remaining | None = None,
        *,
        sent: bool = True,
    ) -> None:
        """Correct what was taken by what was used, and by what the provider says is left.

        Args:
            key: As it was taken.
            rate: As it was taken.
            estimated: Tokens that were taken.
            used: Tokens that the call used; 0 if it failed.
            remaining: From the headers of the answer.
            sent: Whether a request went out; else it is there for another call.
        """
        if rate.requests is None and rate.tokens is None:
            return
        self._copy.touch()  # a correction, too, goes back when the lease is over
        portion = self._portions.setdefault(key, Portion())
        portion.correct(rate, estimated - used, 0 if sent else 1)
        if remaining is not None:
            portion.told(rate, remaining.requests, remaining.tokens, self._clock())

    async def block(self, key: str, seconds: float) -> None:
        """Send nothing to a key for so long: the provider said so."""
        until = self._clock() + seconds
        self._blocked[key] = max(until, self._blocked.get(key, 0.0))
        try:
            await self._reach.ask(lambda: self._shared.block(key, until))
        except HoldfastError:
            return  # the others will be told so themselves

    async def refresh(self) -> None:
        """Read which keys are blocked, and give back what is left of leases that are over.

        Raises:
            HoldfastError: The database does not answer.
        """
        now = self._clock()
        for key, portion in list(self._portions.items()):
            async with portion.lock:
                if portion.until <= now:
                    await self._give_back(key, portion)
            if portion.used < now - _KEPT:
                del self._portions[key]
        blocks = await self._reach.ask(lambda: self._shared.blocks(now))
        # A block is never lifted early, so of two times the later one holds, wherever it was read.
        self._blocked = {
            key: max(blocks.get(key, 0.0), self._blocked.get(key, 0.0))
            for key in blocks.keys() | self._blocked.keys()
            if max(blocks.get(key, 0.0), self._blocked.get(key, 0.0)) > now
        }

    async def close(self) -> None:
        """Stop reading, and give back what is left of every lease."""
        await self._copy.close()
        for key, portion in self._portions.items():
            async with portion.lock:
                await self._give_back(key, portion)
        await self._reach.close()

    async def _try(self, key: str, rate: Rate, tokens: int) -> float:
        """Take; 0 if that was done, else the seconds until it may be."""
        now = self._clock()
        if (blocked := self._blocked.get(key, 0.0) - now) > 0:
            return blocked
        if rate.requests is None and rate.tokens is None:
            return 0.0
        portion = self._portions.setdefault(key, Portion())
        if (wait := portion.take(rate, tokens, now)) is not None:
            return wait
        # One worker asks once for all its calls: those that waited here find what it leased.
        async with portion.lock:
            now = self._clock()
            if (wait := portion.take(rate, tokens, now)) is not None:
                return wait
            return await self._lease(key, portion, rate, tokens, now)

    async def _lease(self, key: str, portion: Portion, rate: Rate, tokens: int, now: float) -> float:
        if portion.until <= now:
            await self._give_back(key, portion)
        requests, more = portion.missing(tokens)
        try:
            lease = await self._reach.ask(
                lambda: self._shared.lease(key, rate, requests, more, now, HELD),
            )
        except HoldfastError:
            return 0.0
        if not lease.until:
            wait = min(max(lease.wait, 0.01), _LONGEST)
            portion.refused(tokens, now + wait)
            return wait
        portion.add(rate, lease)
        return portion.take(rate, tokens, now) or 0.0

    async def _give_back(self, key: str, portion: Portion) -> None:
        rate, requests, tokens = portion.drop()
        if not requests and not tokens:
            return
        now = self._clock()
        try:
            await self._reach.ask(lambda: self._shared.give_back(key, rate, requests, tokens, now))
        except HoldfastError:
            return  # the bucket fills again by itself

    def _refusal(self, key: str, rate: Rate, tokens: int, seconds: float) -> LimitReached:
        self._meters.refused(key)
        now = self._clock()
        portion = self._portions.get(key)
        if portion is not None and self._blocked.get(key, 0.0) <= now:
            seconds = portion.queue(rate, tokens, now, now + seconds) - now
        seconds = min(seconds, _LONGEST) * random.uniform(1, 1 + _LATE)
        return LimitReached(f"{key}; ask again in {seconds:.1f} s", retry_after=seconds)
