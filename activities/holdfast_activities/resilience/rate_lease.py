"""One worker's lease of one key's rate, bounded by what the provider reported as remaining."""

import asyncio
import math

from holdfast_activities.state.coordination.bucket import Lease, Rate

_FREE = Rate()

_QUEUE = 60.0
"""Seconds over which refused calls are spread at most; some of them use another model and never return."""


class RateLease:
    """A lease until ``until`` with its corrections; ``used`` is the time of the last use.

    ``lock`` is held during database calls.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.until = 0.0
        self.used = 0.0
        self._rate = _FREE
        self._requests = 0.0
        self._tokens = 0.0
        # A query before then for as many tokens or more would be refused.
        self._empty_until = 0.0
        self._empty_tokens = 0
        # The provider's figures, less what was taken since, refilled at the key's rate.
        self._provider_requests = math.inf
        self._provider_tokens = math.inf
        self._provider_at = 0.0
        self._next_turn = 0.0

    def take(self, rate: Rate, tokens: int, now: float) -> float | None:
        """Take a request with so many tokens; 0.0 if that succeeded, the seconds to wait, or None to lease more."""
        self.used = now
        if (wait := self._provider_wait(rate, tokens, now)) > 0:
            return wait
        if now < self.until and self._requests >= 1 and (rate.tokens is None or self._tokens >= tokens):
            self._requests -= 1
            self._tokens -= tokens
            self._provider_requests -= 1
            self._provider_tokens -= tokens
            return 0.0
        if now < self._empty_until and tokens >= self._empty_tokens:
            return self._empty_until - now
        return None

    def missing(self, tokens: int) -> tuple[int, int]:
        """The requests and tokens to lease for a call."""
        return _lack(1, self._requests), _lack(tokens, self._tokens)

    def add(self, rate: Rate, lease: Lease) -> None:
        """Add a lease to the rest of the last one; it ends when that one does."""
        if self.until <= 0:
            self.until = lease.until
        self._rate = rate
        self._requests += lease.requests
        self._tokens += lease.tokens

    def drop(self) -> tuple[Rate, float, float]:
        """End the lease; return its rate and the rest to give back."""
        left = self._rate, _finite(self._requests), _finite(self._tokens)
        self.until = self._requests = self._tokens = 0.0
        return left

    def correct(self, rate: Rate, tokens: int, requests: int = 0) -> None:
        """Add unused tokens and requests; negative numbers subtract what was used beyond the estimate."""
        self._rate = rate
        self._requests += requests
        self._provider_requests += requests
        self._tokens += tokens
        self._provider_tokens += tokens

    def set_remaining(self, rate: Rate, requests: int | None, tokens: int | None, now: float) -> None:
        """Store the provider's figures for what remains."""
        self._fill(rate, now)
        if requests is not None:
            self._provider_requests = float(requests)
        if tokens is not None:
            self._provider_tokens = float(tokens)

    def refused(self, tokens: int, until: float) -> None:
        """Record that so many tokens are not available before ``until``."""
        self._empty_tokens, self._empty_until = tokens, until

    def queue(self, rate: Rate, tokens: int, now: float, earliest: float) -> float:
        """When a refused call should retry: one after the other, at the pace of the rate."""
        turn = min(max(earliest, self._next_turn), max(earliest, now + _QUEUE))
        self._next_turn = turn + max(_seconds(1, rate.requests), _seconds(tokens, rate.tokens))
        return turn

    def _provider_wait(self, rate: Rate, tokens: int, now: float) -> float:
        self._fill(rate, now)
        return max(
            _seconds(1 - self._provider_requests, rate.requests),
            _seconds(min(tokens, rate.tokens or 0) - self._provider_tokens, rate.tokens),
        )

    def _fill(self, rate: Rate, now: float) -> None:
        passed = max(0.0, now - self._provider_at)
        self._provider_at = now
        self._provider_requests = _filled(self._provider_requests, rate.requests, passed)
        self._provider_tokens = _filled(self._provider_tokens, rate.tokens, passed)


def _seconds(amount: float, per_minute: int | None) -> float:
    """How long a rate takes to give an amount."""
    if per_minute is None or amount <= 0:
        return 0.0
    return amount * 60.0 / per_minute if per_minute else math.inf


def _filled(left: float, per_minute: int | None, passed: float) -> float:
    """The amount after some seconds; infinite without a limit or when full again."""
    if per_minute is None:
        return math.inf
    left += passed * per_minute / 60.0
    return math.inf if left >= per_minute else left


def _lack(asked: int, there: float) -> int:
    """The missing amount; 0 without a limit, since an infinite amount was leased."""
    return math.ceil(max(0.0, asked - there))


def _finite(amount: float) -> float:
    return amount if math.isfinite(amount) else 0.0
