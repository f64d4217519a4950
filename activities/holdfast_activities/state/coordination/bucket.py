"""The token bucket of a rate, as pure functions; ``rates`` stores it.

A bucket holds at most one minute's amount and fills evenly. It may be negative: usage beyond a lease is
refilled before anything else is granted.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """The most requests and tokens per minute; None for no limit."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The part of a rate that one worker may use until ``until``; if nothing was granted, ``wait`` is the
    seconds before a retry.
    """

    requests: float = 0.0
    tokens: float = 0.0
    until: float = 0.0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """The amounts at the time ``at``."""

    requests: float
    tokens: float
    at: float


def fill(bucket: Bucket, rate: Rate, now: float) -> Bucket:
    """The bucket at ``now``. Amounts without a limit are not counted."""
    # Clocks differ between machines, so a bucket's time never goes back.
    passed = max(0.0, now - bucket.at)
    return Bucket(
        _filled(bucket.requests, rate.requests, passed),
        _filled(bucket.tokens, rate.tokens, passed),
        max(bucket.at, now),
    )


def take(
    bucket: Bucket, rate: Rate, requests: int, tokens: int, seconds: float
) -> tuple[Bucket, Lease] | None:
    """The filled bucket after a lease, and the lease; None if the amounts are not available."""
    if wait(bucket, rate, requests, tokens) > 0:
        return None
    leased_requests = _share(bucket.requests, rate.requests, requests, seconds)
    leased_tokens = _share(bucket.tokens, rate.tokens, tokens, seconds)
    return put(bucket, rate, -leased_requests, -leased_tokens), Lease(
        leased_requests, leased_tokens, until=bucket.at + seconds
    )


def put(bucket: Bucket, rate: Rate, requests: float, tokens: float) -> Bucket:
    """The filled bucket after amounts were returned, or taken if negative."""
    return Bucket(
        0.0 if rate.requests is None else min(float(rate.requests), bucket.requests + requests),
        0.0 if rate.tokens is None else min(float(rate.tokens), bucket.tokens + tokens),
        bucket.at,
    )


def wait(bucket: Bucket, rate: Rate, requests: int, tokens: int) -> float:
    """Seconds until the amounts are available."""
    return max(
        _wait(bucket.requests, rate.requests, requests),
        _wait(bucket.tokens, rate.tokens, tokens),
    )


def _filled(available: float, limit: int | None, passed: float) -> float:
    return 0.0 if limit is None else min(float(limit), available + passed * limit / 60.0)


def _share(available: float, limit: int | None, amount: int, seconds: float) -> float:
    """The amount to lease: the rate's for these seconds, but at most half of the bucket."""
    if limit is None:
        return math.inf
    return max(float(amount), float(math.floor(min(limit * seconds / 60.0, available / 2))))


def _wait(available: float, limit: int | None, amount: int) -> float:
    if limit is None:
        return 0.0
    if limit <= 0 < amount:
        return 60.0  # nothing is allowed until the limit is raised
    # More than a minute's amount needs a full bucket, which becomes negative.
    missing = min(amount, limit) - available
    return missing * 60.0 / limit if missing > 0 else 0.0
