"""Retries and fallbacks: scratch sessions whose provider fails as real ones do."""

from __future__ import annotations

from ..examined import Examined
from ..findings import Finding, failed, ok
from ..scratch.model import REPLY

_LOOK = "look at the log of the workers, and at the session's history if it is still there"


async def check_retry(examined: Examined) -> Finding:
    """A provider fails twice and then answers."""
    made = await examined.scratch()
    ended = await made.run("flaky")
    calls = made.model.requests["flaky"]
    if ended.said != REPLY or calls != 3:
        return failed(f"after two failures of the provider: {ended.said}, by {calls} calls", _LOOK)
    return ok(f"two failures of the provider were retried; the reply took {ended.seconds:.1f} s")


async def check_fallback(examined: Examined) -> Finding:
    """The first provider is down, and the second answers."""
    made = await examined.scratch()
    ended = await made.run("fallback")
    tried, answered = made.model.requests["down"], made.model.requests["steady"]
    if ended.said != REPLY or not tried:
        return failed(f"with a dead first provider: {ended.said}, by {answered} calls of the second", _LOOK)
    return ok(f"a dead provider was replaced by the next one; the reply took {ended.seconds:.1f} s")
