"""How a rate's bucket fills and what a worker may take from it; ``rates`` keeps it in the database.

A bucket holds at most a minute's worth and fills evenly. It may be below empty: what was
used beyond a lease is paid for before anything else is granted.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """What may be used per minute; None for no limit."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of a rate that one worker may use until ``until``; with nothing granted, ``wait`` seconds
    pass until asking again makes sense.
    """

    requests: float = 0.0
    tokens: float = 0.0
    until: float = 0.0
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was there at the time ``at``."""

    requests: float
    tokens: float
    at: float


def fill(bucket: Bucket, rate: Rate, now: float) -> Bucket:
    """The bucket as it is now. What has no limit is not counted."""
    # Clocks differ between machines: a bucket never flows back in time.
    passed = max(0.0, now - bucket.at)
    return Bucket(
        _filled(bucket.requests, rate.requests, passed),
        _filled(bucket.tokens, rate.tokens, passed),
        max(bucket.at, now),
    )


def take(
    bucket: Bucket, rate: Rate, requests: int, tokens: int, seconds: float
) -> tuple[Bucket, Lease] | None:
    """The bucket, filled, after a lease, and the lease; None if what is asked is not there."""
    if wait(bucket, rate, requests, tokens) > 0:
        return None
    some = _share(bucket.requests, rate.requests, requests, seconds)
    more = _share(bucket.tokens, rate.tokens, tokens, seconds)
    return put(bucket, rate, -some, -more), Lease(some, more, until=bucket.at + seconds)


def put(bucket: Bucket, rate: Rate, requests: float, tokens: float) -> Bucket:
    """The bucket, filled, after something was given back, or taken by negative figures."""
    return Bucket(
        0.0 if rate.requests is None else min(float(rate.requests), bucket.requests + requests),
        0.0 if rate.tokens is None else min(float(rate.tokens), bucket.tokens + tokens),
        bucket.at,
    )


def wait(bucket: Bucket, rate: Rate, requests: int, tokens: int) -> float:
    """Seconds until what is asked is there."""
    return max(
        _wait(bucket.requests, rate.requests, requests),
        _wait(bucket.tokens, rate.tokens, tokens),
    )


def _filled(there: float, limit: int | None, passed: float) -> float:
    return 0.0 if limit is None else min(float(limit), there + passed * limit / 60.0)


def _share(there: float, limit: int | None, asked: int, seconds: float) -> float:
    """What to take: what the rate gives in so many seconds, but half of what is there stays for the others."""
    if limit is None:
        return math.inf
    return max(float(asked), float(math.floor(min(limit * seconds / 60.0, there / 2))))


def _wait(there: float, limit: int | None, asked: int) -> float:
    if limit is None:
        return 0.0
    if limit <= 0 < asked:
        return 60.0  # nothing is allowed, until somebody raises the limit
    # Who asks for more than a minute's worth waits for a full bucket, and leaves it below empty.
    missing = min(asked, limit) - there
    return missing * 60.0 / limit if missing > 0 else 0.0
