"""Circuit breakers, shared by all workers through the state database.

Each worker decides by its copy of the breakers. A closed breaker without failures costs no query. Each
failure is reported at once and each probe is claimed in the database, so five failures on any workers
open a breaker everywhere, and at most three probes are sent. If the database does not answer, a worker
changes its copy by the same rules.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from holdfast_activities import clock
from holdfast_activities.state.coordination.breaker import (
    Breaker,
    BreakerRule,
    fail,
    free_probe,
    in_doubt,
    succeed,
    take_probe,
)
from holdfast_activities.state.coordination.breakers import BreakerStore
from holdfast_workflows.contracts.errors import (
    BreakerOpen,
    HoldfastError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
    ToolFailed,
)
from holdfast_workflows.contracts.operations.breakers import BreakerState, BreakerView
from holdfast_workflows.contracts.operations.instruments import NO_METRICS, Instruments

from .refreshing import REFRESH_SECONDS, BoundedCalls, Refresher

_SOON = (0.75, 1.5)
"""Seconds before a retry while the calls that decide are in flight."""

_PROBING = (1.0, 3.0)
"""The same while probes are in flight, which take as long as a model call, and right after opening, when
successes of calls in flight may still make the breaker half open."""

_SPREAD = 0.1
"""The part of a cooldown over which waiting runs wake: the first of them probe, the others follow
when the outcome is known."""

MEMORY_COOLDOWN = 15.0
"""The longest cooldown of a memory store or embedder, in seconds. No run waits for it, so no load builds up
that would hit it on recovery, and until the next probe sessions run without memories."""

STATES: dict[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}
"""The states as the metric shows them."""

_LASTING = frozenset({ModelRejected.code, ProviderQuota.code})

_NAP = (12.0, 18.0)
"""Seconds; spread, so that runs which began to wait together do not check together."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Permission for one call, to be returned with its outcome.

    ``probe`` is the token of a probe. ``careful`` calls are limited in number because the breaker is close
    to opening.
    """

    name: str
    probe: str = ""
    careful: bool = False


@dataclass(slots=True)
class _BreakerCopy:
    """The copy of one breaker.

    ``reporting`` counts failures not yet in it, ``careful`` the calls in flight. ``changed`` is the number of its
    last change among those of all breakers. ``full_until`` is when a probe may be free again.
    """

    breaker: Breaker = field(default_factory=Breaker)
    reporting: int = 0
    careful: int = 0
    changed: int = 0
    full_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def counts(error: BaseException) -> bool:
    """Whether an error counts as a failure of the provider or tool.

    Rate limits, unreadable or refusing answers and bad arguments do not count. A rejected key or account
    does, since every call would be rejected.
    """
    if isinstance(error, ModelRejected):
        return error.account
    if isinstance(error, ModelTransient):
        return not isinstance(error, RateLimited)
    return isinstance(error, ToolFailed) and error.retryable


class Breakers:
    """All breakers, from this worker's copies."""

    def __init__(
        self,
        store: BreakerStore,
        *,
        rule: BreakerRule = BreakerRule(),  # noqa: B008 - frozen
        clock: Callable[[], float] = clock.now,
        metrics: Instruments = NO_METRICS,
    ) -> None:
        self._store = store
        self._rule = rule
        self._memory_rule = replace(rule, cooldown=min(rule.cooldown, MEMORY_COOLDOWN), doubt=0.0)
        self._clock = clock
        self.metrics = metrics
        self._copies: dict[str, _BreakerCopy] = {}
        self._changes = 0
        self._database = BoundedCalls()
        self._refresher = Refresher(self.refresh)

    async def admit(self, name: str) -> Admission:
        """Admit a call, or raise BreakerOpen with ``retry_after``.

        The caller reports the outcome with ``succeeded``, ``failed`` or ``abandoned``.
        """
        await self._refresher.fresh()
        copy = self._copies.get(name)
        if copy is None:
            return Admission(name)
        breaker = copy.breaker
        if breaker.state != "closed":
            return await self._admit_probe(name, copy)
        left = self._rule_of(name).failures - breaker.failures - copy.reporting
        if left > self._rule_of(name).failures // 2:
            return Admission(name)
        # Close to opening: no more concurrent calls than failures left. Otherwise many calls would reach a
        # dead provider before the first of them has failed.
        if copy.careful >= left:
            raise self._refusal(name, breaker, random.uniform(*_SOON))
        copy.careful += 1
        return Admission(name, careful=True)

    async def succeeded(self, admission: Admission) -> None:
        copy = self._finish(admission)
        name, probe, now = admission.name, admission.probe, self._clock()
        rule = self._rule_of(name)
        if copy is None or not _changes_breaker(copy.breaker, rule, now, probe):
            return
        async with copy.lock:
            if _changes_breaker(copy.breaker, rule, now, probe):
                local = succeed(copy.breaker, rule, now, probe)
                await self._move(
                    name, copy, lambda: self._store.succeeded(name, rule, now, probe=probe), local
                )

    async def failed(self, admission: Admission, reason: str = "") -> None:
        """Report a failure that ``counts``."""
        copy = self._finish(admission) or self._copies.setdefault(admission.name, _BreakerCopy())
        name, probe, now = admission.name, admission.probe, self._clock()
        rule = self._rule_of(name)
        copy.reporting += 1
        try:
            async with copy.lock:
                if not probe and copy.breaker.state != "closed":
                    return
                local = fail(copy.breaker, rule, now, probe, reason)
                await self._move(
                    name, copy, lambda: self._store.failed(name, rule, now, probe=probe, reason=reason), local
                )
        finally:
            copy.reporting -= 1
        if copy.breaker.state == "open" and copy.breaker.opened == now:
            self.metrics.count("holdfast_breaker_openings_total", breaker=name)

    async def abandoned(self, admission: Admission) -> None:
        """Report a call without a verdict: cancelled, rate limited or not sent."""
        copy = self._finish(admission)
        if copy is None or not admission.probe:
            return
        async with copy.lock:
            self._set(admission.name, copy, free_probe(copy.breaker, admission.probe))
            with suppress(HoldfastError):  # its place becomes free after rule.probe_seconds
                await self._database.call(lambda: self._store.release(admission.name, admission.probe))

    async def refresh(self) -> None:
        """Read all breakers."""
        began = self._changes
        views = {view.name: view for view in await self._database.call(self._store.load)}
        for name in views.keys() | self._copies.keys():
            copy = self._copies.setdefault(name, _BreakerCopy())
            # A copy that changed since the query began may be newer than its result.
            if copy.changed <= began:
                self._set(name, copy, _breaker(views.get(name)))

    async def close(self) -> None:
        """Stop reading, and finish reports in flight."""
        await self._refresher.close()
        await self._database.close()

    async def _admit_probe(self, name: str, copy: _BreakerCopy) -> Admission:
        async with copy.lock:
            # Another call may have changed it while this one waited for the lock.
            now, breaker = self._clock(), copy.breaker
            if breaker.state == "closed":
                return Admission(name)
            rule = self._rule_of(name)
            if breaker.state == "open" and now < breaker.until:
                if in_doubt(breaker, rule, now):
                    raise self._refusal(name, breaker, random.uniform(*_PROBING))
                spread = random.uniform(0, _SPREAD * rule.cooldown)
                refusal = self._refusal(name, breaker, breaker.until - now + spread)
                refusal.cause = "" if breaker.manual else _cause(breaker.reason)
                raise refusal
            if now >= copy.full_until and (token := await self._take_probe(name, copy, now)):
                return Admission(name, probe=token)
            raise self._refusal(name, breaker, random.uniform(*_PROBING))

    async def _take_probe(self, name: str, copy: _BreakerCopy, now: float) -> str:
        """A probe's token; empty if none is available."""
        token, rule = uuid.uuid4().hex, self._rule_of(name)
        try:
            view = await self._database.call(lambda: self._store.probe(name, rule, now, token))
            after = None if view is None else _breaker(view)
        except HoldfastError:
            after = take_probe(copy.breaker, rule, now, token)
        if after is None:
            # All are taken, or the breaker changed: the next refresh shows which.
            copy.full_until = now + REFRESH_SECONDS
            return ""
        self._set(name, copy, after)
        return token

    def _rule_of(self, name: str) -> BreakerRule:
        return self._memory_rule if name.startswith("memory:") else self._rule

    def _finish(self, admission: Admission) -> _BreakerCopy | None:
        copy = self._copies.get(admission.name)
        if copy is not None and admission.careful:
            copy.careful -= 1
        if copy is not None and admission.probe:
            copy.full_until = 0.0
        return copy

    async def _move(
        self, name: str, copy: _BreakerCopy, report: Callable[[], Awaitable[BreakerView]], local: Breaker
    ) -> None:
        """Report an outcome; the copy takes the database's result, or ``local`` if the database does not answer."""
        try:
            after = _breaker(await self._database.call(report))
        except HoldfastError:
            after = local
        self._set(name, copy, after)

    def _set(self, name: str, copy: _BreakerCopy, breaker: Breaker) -> None:
        if copy.changed == 0 or copy.breaker.state != breaker.state:
            self.metrics.set("holdfast_breaker_state", STATES[breaker.state], breaker=name)
        self._changes += 1
        copy.changed = self._changes
        copy.breaker = breaker

    def _refusal(self, name: str, breaker: Breaker, seconds: float) -> BreakerOpen:
        self.metrics.count("holdfast_refusals_total", by=name)
        why = breaker.reason or "failures in a row"
        # A time instead of a delay: the message is shown for as long as the run waits.
        opened = breaker.state == "open" and self._clock() < breaker.until
        until = f"open until {datetime.fromtimestamp(breaker.until, UTC):%Y-%m-%d %H:%M:%S} UTC"
        when = until if opened else "probes are in flight"
        return BreakerOpen(f"{name}: {why}; {when}", retry_after=seconds)


def nap() -> float:
    """Seconds a run waits before it checks an open breaker again, which an operator may close at any time.

    Each check adds an activity and some events to every waiting run, so it is not much shorter.
    """
    return random.uniform(*_NAP)


def reason_of(error: HoldfastError) -> str:
    """The reason that a breaker stores for a failure: code and message."""
    return f"{error.code}: {error}"


def _cause(reason: str) -> str:
    """The code of a failure that waiting does not fix; empty for any other."""
    code = reason.partition(":")[0]
    return code if code in _LASTING else ""


def _changes_breaker(breaker: Breaker, rule: BreakerRule, now: float, probe: str) -> bool:
    """Whether a success changes a breaker: of a probe, after failures, or right after opening."""
    if probe:
        return True
    return breaker.failures > 0 if breaker.state == "closed" else in_doubt(breaker, rule, now)


def _breaker(view: BreakerView | None) -> Breaker:
    """The copy of a breaker, without its probes, which only the database has."""
    if view is None:
        return Breaker()
    return Breaker(view.state, view.failures, view.until, view.opened, view.manual, view.reason)
