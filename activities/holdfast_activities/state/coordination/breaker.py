"""The state transitions of a breaker, as pure functions; ``breakers`` stores them.

A closed breaker counts failures in a row. An open breaker ignores outcomes, which are of calls sent before
it opened. A half-open breaker counts only its probes, identified by token; an unknown token is from an
earlier period, or its probe was given up as lost.

Failures return sooner than successes. So for ``doubt`` seconds after a breaker opens, a success of a call
in flight counts as a probe; the last probe must be a real one.
"""

from dataclasses import dataclass, field, replace

from holdfast_workflows.contracts.operations.breakers import BreakerState


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """A breaker opens after ``failures`` in a row for ``cooldown`` seconds, and closes after ``probes`` successes.

    A probe without an outcome after ``probe_seconds`` counts as lost and frees its place. For ``doubt``
    seconds after opening, successes of calls in flight count as probes.
    """

    failures: int = 5
    cooldown: float = 60.0
    probes: int = 3
    probe_seconds: float = 150.0
    doubt: float = 5.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """A BreakerView's fields, the number of probes passed, and the start of each probe in flight by token."""

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
    """Whether it opened less than ``doubt`` seconds ago, not manually, and no probe has failed since."""
    doubtful = breaker.state != "closed" and not breaker.manual and breaker.failures <= rule.failures
    return doubtful and now < breaker.opened + rule.doubt


def take_probe(breaker: Breaker, rule: BreakerRule, now: float, token: str) -> Breaker | None:
    """The breaker with one more probe in flight; None if it admits none."""
    if breaker.state == "open" and now >= breaker.until:
        return replace(breaker, state="half_open", manual=False, passed=0, probes={token: now})
    if breaker.state != "half_open":
        return None
    out = {token: taken for token, taken in breaker.probes.items() if now - taken < rule.probe_seconds}
    if breaker.passed + len(out) >= rule.probes:
        return None
    return replace(breaker, probes=out | {token: now})


def free_probe(breaker: Breaker, token: str) -> Breaker:
    """The breaker without that probe."""
    return replace(breaker, probes={each: at for each, at in breaker.probes.items() if each != token})


def _open(breaker: Breaker, rule: BreakerRule, now: float) -> Breaker:
    return replace(
        breaker, state="open", until=now + rule.cooldown, opened=now, manual=False, passed=0, probes={}
    )
