"""What one worker holds of one key's rate: a lease, and what the provider said is left."""

import asyncio
import math

from holdfast_activities.state.coordination.bucket import Lease, Rate

_FREE = Rate()

_QUEUE = 60.0
"""Seconds over which those who were refused are lined up at most. Some go elsewhere and never come,
so a longer line would be kept for nobody."""


class Portion:
    """A lease until ``until``, and its corrections; ``used`` is when somebody last took of it.

    ``lock`` is held while the database is asked.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.until = 0.0
        self.used = 0.0
        self._rate = _FREE
        self._requests = 0.0
        self._tokens = 0.0
        # Asking again before then for as many tokens or more is known to be of no use.
        self._dry_until = 0.0
        self._dry_tokens = 0
        # What the provider said is left, less what was taken since, filling at the key's rate.
        self._told_requests = math.inf
        self._told_tokens = math.inf
        self._told_at = 0.0
        self._line = 0.0

    def take(self, rate: Rate, tokens: int, now: float) -> float | None:
        """Take a request with so many tokens from the lease.

        Returns:
            0.0 if that was done, the seconds until it is worth asking again, or None if more has to be leased.
        """
        self.used = now
        if (wait := self._provider_wait(rate, tokens, now)) > 0:
            return wait
        if now < self.until and self._requests >= 1 and (rate.tokens is None or self._tokens >= tokens):
            self._requests -= 1
            self._tokens -= tokens
            self._told_requests -= 1
            self._told_tokens -= tokens
            return 0.0
        if now < self._dry_until and tokens >= self._dry_tokens:
            return self._dry_until - now
        return None

    def missing(self, tokens: int) -> tuple[int, int]:
        """The requests and tokens that the lease lacks for a call."""
        return _lack(1, self._requests), _lack(tokens, self._tokens)

    def add(self, rate: Rate, lease: Lease) -> None:
        """Hold a lease beside what is left of the last, no longer than that."""
        if self.until <= 0:
            self.until = lease.until
        self._rate = rate
        self._requests += lease.requests
        self._tokens += lease.tokens

    def drop(self) -> tuple[Rate, float, float]:
        """End the lease; its rate, and what is left to be given back."""
        left = self._rate, _finite(self._requests), _finite(self._tokens)
        self.until = self._requests = self._tokens = 0.0
        return left

    def correct(self, rate: Rate, tokens: int, requests: int = 0) -> None:
        """Count what was taken and not used, or by a negative number of tokens used and not taken."""
        self._rate = rate
        self._requests += requests
        self._told_requests += requests
        self._tokens += tokens
        self._told_tokens += tokens

    def told(self, rate: Rate, requests: int | None, tokens: int | None, now: float) -> None:
        """Take the provider's word for what is left."""
        self._fill(rate, now)
        if requests is not None:
            self._told_requests = float(requests)
        if tokens is not None:
            self._told_tokens = float(tokens)

    def refused(self, tokens: int, until: float) -> None:
        """Remember that there is not so much before ``until``."""
        self._dry_tokens, self._dry_until = tokens, until

    def queue(self, rate: Rate, tokens: int, now: float, earliest: float) -> float:
        """When one who was refused should ask again: each after the others, as fast as the rate allows."""
        turn = min(max(earliest, self._line), max(earliest, now + _QUEUE))
        self._line = turn + max(_seconds(1, rate.requests), _seconds(tokens, rate.tokens))
        return turn

    def _provider_wait(self, rate: Rate, tokens: int, now: float) -> float:
        self._fill(rate, now)
        return max(
            _seconds(1 - self._told_requests, rate.requests),
            _seconds(min(tokens, rate.tokens or 0) - self._told_tokens, rate.tokens),
        )

    def _fill(self, rate: Rate, now: float) -> None:
        passed = max(0.0, now - self._told_at)
        self._told_at = now
        self._told_requests = _filled(self._told_requests, rate.requests, passed)
        self._told_tokens = _filled(self._told_tokens, rate.tokens, passed)


def _seconds(amount: float, per_minute: int | None) -> float:
    """How long a rate takes to give an amount."""
    if per_minute is None or amount <= 0:
        return 0.0
    return amount * 60.0 / per_minute if per_minute else math.inf


def _filled(left: float, per_minute: int | None, passed: float) -> float:
    """What is left after some seconds. Full again, or without a limit, it bounds nothing any more."""
    if per_minute is None:
        return math.inf
    left += passed * per_minute / 60.0
    return math.inf if left >= per_minute else left


def _lack(asked: int, there: float) -> int:
    """How much is missing; nothing where there is no limit, since then infinitely much was leased."""
    return math.ceil(max(0.0, asked - there))


def _finite(amount: float) -> float:
    return amount if math.isfinite(amount) else 0.0
