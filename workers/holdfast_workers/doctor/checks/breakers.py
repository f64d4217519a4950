"""Circuit breakers: ten failures open one in the database, probes close it, and none is open now."""

from __future__ import annotations

import asyncio
import uuid
from typing import Final

from holdfast_activities.resilience.breakers import Breakers
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_activities.state.coordination.breakers import BreakerStore
from holdfast_workflows.contracts.errors import BreakerOpen, StateInUse
from holdfast_workflows.contracts.operations.breakers import BreakerView

from ..examined import Examined
from ..findings import Finding, failed, ok, skipped, warning

_PREFIX: Final = "doctor:"
_FAILURES: Final = 10
_RULE: Final = BreakerRule(cooldown=0.2, doubt=0.0)


async def check(examined: Examined) -> Finding:
    """Open a scratch breaker by failures, let it recover, and look for open ones."""
    store = (await examined.state()).breakers
    try:
        found = await _recovers(store)
    except StateInUse:
        found = skipped("a worker has the file store open, so no scratch breaker could be written")
    views = [view for view in await store.load() if not view.name.startswith(_PREFIX)]  # of other doctors
    if still := [view for view in views if view.state != "closed"]:
        listed = ", ".join(f"{view.name} ({view.reason or 'by an operator'})" for view in still)
        return warning(
            f"calls are refused now: {listed}", "see `holdfast breakers`, and repair the provider or tool"
        )
    return found


async def _recovers(store: BreakerStore) -> Finding:
    """Open a scratch breaker and let probes close it.

    Raises:
        StateInUse: Another process has the file store open; nothing was written.
    """
    name = f"{_PREFIX}{uuid.uuid4().hex[:8]}"
    await store.set(BreakerView(name=name))
    breakers = Breakers(store, rule=_RULE)
    try:
        opened = await _opens(breakers, name)
        if not opened:
            return failed(
                f"{_FAILURES} failures in a row did not open a breaker",
                "look at the log of the workers, and at writes to the state database",
            )
        await asyncio.sleep(_RULE.cooldown)
        for _ in range(_RULE.probes):
            await breakers.succeeded(await breakers.admit(name))
        await breakers.refresh()
        await breakers.admit(name)  # raises if it is still open
    finally:
        await breakers.close()
        await store.forget(name)
    return ok(
        f"a breaker opened after {opened} failures and closed after {_RULE.probes} probes; none is open"
    )


async def _opens(breakers: Breakers, name: str) -> int:
    """Report failures until a call is refused; return how many it took, 0 if none was."""
    for number in range(_FAILURES):
        try:
            await breakers.failed(await breakers.admit(name), "failure of the doctor's check")
        except BreakerOpen:
            return number
    try:
        await breakers.admit(name)
    except BreakerOpen:
        return _FAILURES
    return 0
