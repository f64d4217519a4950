"""Rate limits, shared by all workers through leases.

A worker leases part of a key's rate for ``LEASE_SECONDS``, uses it without further queries and
returns the rest. Actual usage corrects the lease, and the provider's rate limit headers bound it.
A Retry-After blocks the key for all workers. While the database does not answer, calls are made:
the provider still enforces its own limit.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from holdfast_activities import clock
from holdfast_activities.models.base import Remaining
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.state.coordination.rates import RateStore
from holdfast_workflows.contracts.errors import HoldfastError, LimitReached
from holdfast_workflows.contracts.operations.instruments import NO_METRICS, Instruments

from .rate_lease import RateLease
from .refreshing import BoundedCalls, Refresher

LEASE_SECONDS = 5.0
"""Seconds a lease lasts."""

MAX_INLINE_WAIT = 2.0
"""Seconds to wait here at most; for longer the run waits on a timer."""

_KEPT = 120.0  # seconds without use after which a key is dropped
_LONGEST = 3_600.0  # the longest wait in seconds that is reported
_LATE = 0.05  # random part added to a wait, so that waiting calls do not wake together


class Limits:
    """The rate limits of all keys, from this worker's copy."""

    def __init__(
        self,
        rates: RateStore,
        *,
        clock: Callable[[], float] = clock.now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        metrics: Instruments = NO_METRICS,
    ) -> None:
        self._store = rates
        self._clock = clock
        self._sleep = sleep
        self._metrics = metrics
        self._leases: dict[str, RateLease] = {}
        self._blocked: dict[str, float] = {}
        self._database = BoundedCalls()
        self._refresher = Refresher(self.refresh)

    async def take(self, key: str, rate: Rate, tokens: int) -> None:
        """Use one request and an estimated number of tokens of a key's rate.

        Raises LimitReached with ``retry_after`` if they are not available within ``MAX_INLINE_WAIT``.
        """
        await self._refresher.fresh()
        if key not in self._blocked and rate.requests is None and rate.tokens is None:
            return
        deadline = self._clock() + MAX_INLINE_WAIT
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
        """Correct the tokens taken by those used, and by the provider's headers (``remaining``).

        ``used`` is 0 if the call failed. If it was not ``sent``, the request is available to another call.
        """
        if rate.requests is None and rate.tokens is None:
            return
        self._refresher.touch()  # the refresher returns the correction when the lease ends
        lease = self._leases.setdefault(key, RateLease())
        lease.correct(rate, estimated - used, 0 if sent else 1)
        if remaining is not None:
            lease.set_remaining(rate, remaining.requests, remaining.tokens, self._clock())

    async def block(self, key: str, seconds: float) -> None:
        """Make no call for ``seconds``, as the provider requested."""
        until = self._clock() + seconds
        self._blocked[key] = max(until, self._blocked.get(key, 0.0))
        with suppress(HoldfastError):  # the other workers get the provider's answer themselves
            await self._database.call(lambda: self._store.block(key, until))

    async def refresh(self) -> None:
        """Read which keys are blocked, and return the rest of leases that ended."""
        now = self._clock()
        for key, lease in list(self._leases.items()):
            async with lease.lock:
                if lease.until <= now:
                    await self._give_back(key, lease)
            if lease.used < now - _KEPT:
                del self._leases[key]
        blocks = await self._database.call(lambda: self._store.blocks(now))
        # A block is never lifted early, so the later of two times holds.
        merged = blocks | {key: max(until, blocks.get(key, 0.0)) for key, until in self._blocked.items()}
        self._blocked = {key: until for key, until in merged.items() if until > now}

    async def close(self) -> None:
        """Stop reading, and return the rest of every lease."""
        await self._refresher.close()
        for key, lease in self._leases.items():
            async with lease.lock:
                await self._give_back(key, lease)
        await self._database.close()

    async def _try(self, key: str, rate: Rate, tokens: int) -> float:
        """Take from the lease; 0 if that succeeded, else the seconds to wait."""
        now = self._clock()
        if (blocked := self._blocked.get(key, 0.0) - now) > 0:
            return blocked
        if rate.requests is None and rate.tokens is None:
            return 0.0
        lease = self._leases.setdefault(key, RateLease())
        if (wait := lease.take(rate, tokens, now)) is not None:
            return wait
        # One query serves all calls of this worker: those that waited here find its lease.
        async with lease.lock:
            now = self._clock()
            if (wait := lease.take(rate, tokens, now)) is not None:
                return wait
            return await self._lease(key, lease, rate, tokens, now)

    async def _lease(self, key: str, lease: RateLease, rate: Rate, tokens: int, now: float) -> float:
        if lease.until <= now:
            await self._give_back(key, lease)
        requests, more = lease.missing(tokens)
        try:
            granted = await self._database.call(
                lambda: self._store.lease(key, rate, requests, more, now, LEASE_SECONDS),
            )
        except HoldfastError:
            return 0.0
        if not granted.until:
            wait = min(max(granted.wait, 0.01), _LONGEST)
            lease.refused(tokens, now + wait)
            return wait
        lease.add(rate, granted)
        return lease.take(rate, tokens, now) or 0.0

    async def _give_back(self, key: str, lease: RateLease) -> None:
        rate, requests, tokens = lease.drop()
        if not requests and not tokens:
            return
        now = self._clock()
        with suppress(HoldfastError):  # the bucket refills over time
            await self._database.call(lambda: self._store.give_back(key, rate, requests, tokens, now))

    def _refusal(self, key: str, rate: Rate, tokens: int, seconds: float) -> LimitReached:
        by = "tenant" if key.startswith("tenant:") else key
        self._metrics.count("holdfast_refusals_total", by=by)
        now = self._clock()
        lease = self._leases.get(key)
        if lease is not None and self._blocked.get(key, 0.0) <= now:
            seconds = lease.queue(rate, tokens, now, now + seconds) - now
        seconds = min(seconds, _LONGEST) * random.uniform(1, 1 + _LATE)
        return LimitReached(f"{key}; retry in {seconds:.1f} s", retry_after=seconds)
