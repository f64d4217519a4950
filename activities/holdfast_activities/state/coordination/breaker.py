"""How a breaker moves; ``circuits`` keeps it in the database.

Closed, it counts failures in a row. Open, it hears nobody: what comes back now was sent
before it opened. Half open, it hears its probes only, each known by its token; a token
that is not on the list is of an earlier time, or was given up as lost.

Of calls sent together the failed ones come back first, a refusal being quicker than an
answer. So what opened it by a row is in doubt for a few seconds: answers that still come
stand for probes, all but the last, which decides.
"""

from dataclasses import dataclass, field, replace

from holdfast_workflows.contracts.breakers import BreakerState


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens: after ``failures`` in a row, for ``cooldown`` seconds, then for ``probes`` probes.

    A probe that has not reported after ``probe_seconds`` counts as lost and its place is free again.
    For ``doubt`` seconds after it opened, answers to calls that were under way have it probed at once.
    """

    failures: int = 5
    cooldown: float = 60.0
    probes: int = 3
    probe_seconds: float = 150.0
    doubt: float = 5.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker's state: that of a BreakerView, how many probes passed, and when each that is out was taken."""

    state: BreakerState = "closed"
    failures: int = 0
    until: float = 0.0
    opened: float = 0.0
    manual: bool = False
    reason: str = ""
    passed: int = 0
    probes: dict[str, float] = field(default_factory=dict[str, float])


def fail(breaker: Breaker, rule: BreakerRule, now: float, probe: str, reason: str) -> Breaker:
    """The breaker after a failure."""
    if breaker.state == "closed":
        breaker = replace(breaker, failures=breaker.failures + 1, reason=reason)
        return _open(breaker, rule, now) if breaker.failures >= rule.failures else breaker
    if breaker.state == "half_open" and probe in breaker.probes:
        return _open(replace(breaker, failures=breaker.failures + 1, reason=reason), rule, now)
    return breaker


def succeed(breaker: Breaker, rule: BreakerRule, now: float, probe: str) -> Breaker:
    """The breaker after a success."""
    if breaker.state == "closed":
        return replace(breaker, failures=0)
    if not probe and in_doubt(breaker, rule, now):
        return replace(breaker, state="half_open", passed=min(breaker.passed + 1, rule.probes - 1))
    if breaker.state == "half_open" and probe in breaker.probes:
        if breaker.passed + 1 >= rule.probes:
            return Breaker()
        return replace(free_probe(breaker, probe), passed=breaker.passed + 1)
    return breaker


def in_doubt(breaker: Breaker, rule: BreakerRule, now: float) -> bool:
    """Whether it opened just now, and no probe has failed since nor a person opened it."""
    doubtful = breaker.state != "closed" and not breaker.manual and breaker.failures <= rule.failures
    return doubtful and now < breaker.opened + rule.doubt


def take_probe(breaker: Breaker, rule: BreakerRule, now: float, token: str) -> Breaker | None:
    """The breaker with one more probe out; None if it lets none through."""
    if breaker.state == "open" and now >= breaker.until:
        return replace(breaker, state="half_open", manual=False, passed=0, probes={token: now})
    if breaker.state != "half_open":
        return None
    out = {token: taken for token, taken in breaker.probes.items() if now - taken < rule.probe_seconds}
    if breaker.passed + len(out) >= rule.probes:
        return None
    return replace(breaker, probes=out | {token: now})


def free_probe(breaker: Breaker, token: str) -> Breaker:
    """The breaker with that probe no longer out."""
    return replace(breaker, probes={each: at for each, at in breaker.probes.items() if each != token})


def _open(breaker: Breaker, rule: BreakerRule, now: float) -> Breaker:
    return replace(
        breaker, state="open", until=now + rule.cooldown, opened=now, manual=False, passed=0, probes={}
    )
