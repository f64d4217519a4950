"""Circuit breakers, shared by all workers through the state database.

Each worker decides by its copy of the breakers. A closed breaker without failures costs
nothing; each failure is reported at once and each probe is asked for, so that five
failures anywhere open a breaker everywhere and three probes are all that go out. If the
database does not answer, a worker moves its copy by the same rules.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from temporalio.common import MetricMeter

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
from holdfast_workflows.contracts.breakers import BreakerView
from holdfast_workflows.contracts.errors import (
    BreakerOpen,
    HoldfastError,
    ModelRejected,
    ModelTransient,
    ProviderQuota,
    RateLimited,
    ToolFailed,
)

from .meters import Meters
from .refreshing import EVERY, Reach, Refresher

_SOON = (0.75, 1.5)
"""Seconds after which to ask again while the calls that decide are under way."""

_PROBING = (1.0, 3.0)
"""The same while probes are out, which take as long as a call of a model, and while it is in doubt whether
there will be any before the cooldown is over."""

_SPREAD = 0.1
"""The part of a cooldown over which the parked runs wake: the first of them probe, the rest
come when it is known how that went."""


MEMORY_COOLDOWN = 15.0
"""Seconds at most that a memory store or embedder is left alone. No run is parked for it, so nothing piles up
that would fall on it when it is back; and until it is asked again sessions go without memories. Nor is it doubted:
whoever is refused goes on at once."""

_LASTING = frozenset({ModelRejected.code, ProviderQuota.code})

_NAP = (12.0, 18.0)
"""Seconds; spread, so that runs which parked at once do not look at once."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The leave to make one call, to be handed back with its outcome.

    ``probe`` is the token of a probe. ``careful`` calls are those admitted one by one while the
    breaker is close to opening.
    """

    name: str
    probe: str = ""
    careful: bool = False


@dataclass(slots=True)
class _Circuit:
    """The copy of one breaker.

    ``reporting`` failures are not in it yet, ``careful`` calls are out, ``changed`` is when it was
    last moved, in changes of all breakers, and ``full_until`` when probes may be free again.
    """

    breaker: Breaker = field(default_factory=Breaker)
    reporting: int = 0
    careful: int = 0
    changed: int = 0
    full_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def counts(error: BaseException) -> bool:
    """Whether an error says that the other side is in trouble, or takes no call of ours.

    A rate limit is its good order, an answer that cannot be read or that refuses is an answer,
    and arguments that do not fit are our fault. A key or an account that is refused is refused
    for every call, so it counts.
    """
    if isinstance(error, ModelRejected):
        return error.account
    if isinstance(error, ModelTransient):
        return not isinstance(error, RateLimited)
    return isinstance(error, ToolFailed) and error.retryable


class Breakers:
    """All breakers, as this worker knows them."""

    def __init__(
        self,
        circuits: BreakerStore,
        *,
        rule: BreakerRule = BreakerRule(),  # noqa: B008 - frozen
        clock: Callable[[], float] = clock.now,
        meter: MetricMeter | None = None,
    ) -> None:
        self._shared = circuits
        self._rule = rule
        self._memory_rule = replace(rule, cooldown=min(rule.cooldown, MEMORY_COOLDOWN), doubt=0.0)
        self._clock = clock
        self._meters = Meters(meter)
        self._circuits: dict[str, _Circuit] = {}
        self._changes = 0
        self._reach = Reach()
        self._copy = Refresher(self.refresh)

    async def admit(self, name: str) -> Admission:
        """The leave to make a call. Its outcome has to be told: succeeded, failed or abandoned.

        Raises:
            BreakerOpen: Nothing may be sent; ``retry_after`` says when to ask again.
        """
        await self._copy.fresh()
        circuit = self._circuits.get(name)
        if circuit is None:
            return Admission(name)
        breaker = circuit.breaker
        if breaker.state != "closed":
            return await self._admit_probe(name, circuit)
        left = self._rule_of(name).failures - breaker.failures - circuit.reporting
        if left > self._rule_of(name).failures // 2:
            return Admission(name)
        # Close to opening: no more calls at once than failures are left, since all of a burst
        # would reach a part that is dead before the first of them has said so.
        if circuit.careful >= left:
            raise self._refusal(name, breaker, random.uniform(*_SOON))
        circuit.careful += 1
        return Admission(name, careful=True)

    async def succeeded(self, admission: Admission) -> None:
        """The call was answered."""
        circuit = self._leave(admission)
        name, probe, now = admission.name, admission.probe, self._clock()
        rule = self._rule_of(name)
        if circuit is None or not _good_news(circuit.breaker, rule, now, probe):
            return
        async with circuit.lock:
            if _good_news(circuit.breaker, rule, now, probe):
                await self._move(
                    name,
                    circuit,
                    lambda: self._shared.succeeded(name, rule, now, probe=probe),
                    succeed(circuit.breaker, rule, now, probe),
                )

    async def failed(self, admission: Admission, reason: str = "") -> None:
        """The call failed in a way that ``counts``."""
        circuit = self._leave(admission) or self._circuits.setdefault(admission.name, _Circuit())
        name, probe, now = admission.name, admission.probe, self._clock()
        rule = self._rule_of(name)
        circuit.reporting += 1
        try:
            async with circuit.lock:
                if not probe and circuit.breaker.state != "closed":
                    return
                await self._move(
                    name,
                    circuit,
                    lambda: self._shared.failed(name, rule, now, probe=probe, reason=reason),
                    fail(circuit.breaker, rule, now, probe, reason),
                )
        finally:
            circuit.reporting -= 1
        if circuit.breaker.state == "open" and circuit.breaker.opened == now:
            self._meters.opened(name)

    async def abandoned(self, admission: Admission) -> None:
        """The call told nothing about the other side: it was cancelled, rate limited, or not sent."""
        circuit = self._leave(admission)
        if circuit is None or not admission.probe:
            return
        async with circuit.lock:
            self._set(admission.name, circuit, free_probe(circuit.breaker, admission.probe))
            try:
                await self._reach.ask(lambda: self._shared.release(admission.name, admission.probe))
            except HoldfastError:
                return  # its place is free after rule.probe_seconds

    async def refresh(self) -> None:
        """Read all breakers.

        Raises:
            HoldfastError: The database does not answer.
        """
        began = self._changes
        views = {view.name: view for view in await self._reach.ask(self._shared.load)}
        for name in views.keys() | self._circuits.keys():
            circuit = self._circuits.setdefault(name, _Circuit())
            # What moved since the reading began may be newer than what was read.
            if circuit.changed <= began:
                self._set(name, circuit, _breaker(views.get(name)))

    async def close(self) -> None:
        """Stop reading, and let reports under way arrive."""
        await self._copy.close()
        await self._reach.close()

    async def _admit_probe(self, name: str, circuit: _Circuit) -> Admission:
        async with circuit.lock:
            # Others may have moved it while this one waited its turn.
            now, breaker = self._clock(), circuit.breaker
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
            if now >= circuit.full_until and (token := await self._take_probe(name, circuit, now)):
                return Admission(name, probe=token)
            raise self._refusal(name, breaker, random.uniform(*_PROBING))

    async def _take_probe(self, name: str, circuit: _Circuit, now: float) -> str:
        """A probe's token; empty if none is to be had."""
        token, rule = uuid.uuid4().hex, self._rule_of(name)
        try:
            view = await self._reach.ask(lambda: self._shared.probe(name, rule, now, token))
            after = None if view is None else _breaker(view)
        except HoldfastError:
            after = take_probe(circuit.breaker, rule, now, token)
        if after is None:
            # Taken, or somebody moved the breaker; the next reading tells, so nobody asks before.
            circuit.full_until = now + EVERY
            return ""
        self._set(name, circuit, after)
        return token

    def _rule_of(self, name: str) -> BreakerRule:
        return self._memory_rule if name.startswith("memory:") else self._rule

    def _leave(self, admission: Admission) -> _Circuit | None:
        circuit = self._circuits.get(admission.name)
        if circuit is not None and admission.careful:
            circuit.careful -= 1
        if circuit is not None and admission.probe:
            circuit.full_until = 0.0
        return circuit

    async def _move(
        self, name: str, circuit: _Circuit, tell: Callable[[], Awaitable[BreakerView]], alone: Breaker
    ) -> None:
        """Report an outcome; the copy becomes what the database says, or ``alone`` without an answer."""
        try:
            after = _breaker(await self._reach.ask(tell))
        except HoldfastError:
            after = alone
        self._set(name, circuit, after)

    def _set(self, name: str, circuit: _Circuit, breaker: Breaker) -> None:
        if circuit.changed == 0 or circuit.breaker.state != breaker.state:
            self._meters.breaker(name, breaker.state)
        self._changes += 1
        circuit.changed = self._changes
        circuit.breaker = breaker

    def _refusal(self, name: str, breaker: Breaker, seconds: float) -> BreakerOpen:
        self._meters.refused(name)
        why = breaker.reason or "failures in a row"
        # A time and no delay: people read it for as long as the run is parked.
        opened = breaker.state == "open" and self._clock() < breaker.until
        until = f"open until {datetime.fromtimestamp(breaker.until, UTC):%Y-%m-%d %H:%M:%S} UTC"
        when = until if opened else "probes are under way"
        return BreakerOpen(f"{name}: {why}; {when}", retry_after=seconds)


def nap() -> float:
    """Seconds for which a run sleeps at a time before an open breaker, which a person may close at any time.

    Each nap adds an activity and some events, in every parked run, so it is not much shorter.
    """
    return random.uniform(*_NAP)


def reason_of(error: HoldfastError) -> str:
    """What a breaker keeps of a failure: its code and its words."""
    return f"{error.code}: {error}"


def _cause(reason: str) -> str:
    """The code of a failure that waiting does not mend; empty for any other."""
    code = reason.partition(":")[0]
    return code if code in _LASTING else ""


def _good_news(breaker: Breaker, rule: BreakerRule, now: float, probe: str) -> bool:
    """Whether a success can move a breaker: a probe's does; others only if there is a failure to forget,
    or a doubt.
    """
    if probe:
        return True
    return breaker.failures > 0 if breaker.state == "closed" else in_doubt(breaker, rule, now)


def _breaker(view: BreakerView | None) -> Breaker:
    """The copy of a breaker; who probes it is known to the database only."""
    if view is None:
        return Breaker()
    return Breaker(view.state, view.failures, view.until, view.opened, view.manual, view.reason)
