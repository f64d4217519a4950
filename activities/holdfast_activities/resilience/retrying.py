"""Whether a failed call is tried again and after how long: as declared, moved by what happened lately.

Temporal carries it out: an activity raises a failure that says when the next attempt may
begin, or that there is none. The workflow schedules ``limits.MORE_ATTEMPTS`` more than
were declared, so that the choice made here is the one that counts.
"""

import logging
import random
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from temporalio.common import MetricMeter
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts.errors import HoldfastError, to_failure
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS, SLOWER
from holdfast_workflows.contracts.spec import RetryPolicy

from .meters import Meters

KEPT = 50
"""Outcomes of an operation that are remembered."""

ENOUGH = 10
"""Outcomes below which nothing can be said: of fewer, one more failure moves the share by over a tenth."""

OFTEN = 1 / 3
"""The share of failures from which patience pays. Below it three attempts all fail in at most one
call of 27, which is what was bargained for when they were declared."""

VERY_OFTEN = 0.6
"""From here on even one attempt more leaves one call of eight without an answer; a second is added."""

ALMOST_ALWAYS = 0.9
"""From here on repeating is of no use: five attempts would still lose six calls of ten, and send a part
that is down five times the requests."""

LONG_WAIT = 60.0
"""Seconds. Who is asked to wait so long asks another provider instead, or parks."""

_SPREAD = 0.25
"""Delays vary by so much to both sides: calls that failed together are spread over half their delay,
and none comes much before the time that was declared."""

_LATE = 0.05
"""A Retry-After is never cut short, and exceeded by so much at most."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What follows on a failed attempt.

    Attributes:
        again: Whether there is another attempt.
        delay: Seconds before it.
        attempt: The one that failed, from 1.
        attempts: How many there may be.
        seen: How many of the last outcomes of the operation were looked at.
        failed: How many of them were failures.
        operation: Which operation it is, such as ``model:openai``.
    """

    again: bool
    delay: float
    attempt: int
    attempts: int
    seen: int
    failed: int
    operation: str


class Retries:
    """The last outcomes of each operation in this worker, and the choices made from them."""

    def __init__(self, meter: MetricMeter | None = None) -> None:
        self._outcomes: defaultdict[str, deque[bool]] = defaultdict(partial(deque[bool], maxlen=KEPT))
        self._meters = Meters(meter)

    def note(self, operation: str, ok: bool) -> None:
        """Remember how a call of an operation went."""
        self._outcomes[operation].append(ok)

    def choose(self, operation: str, spec: RetryPolicy, attempt: int, error: HoldfastError) -> Choice:
        """What follows on a failure.

        Args:
            operation: ``model:<provider>``, ``tool:<name>``.
            spec: The policy as declared.
            attempt: The attempt that failed, from 1.
            error: How it failed.
        """
        outcomes = list(self._outcomes.get(operation, ()))
        policy = adapted(spec, outcomes)
        asked = error.retry_after
        return Choice(
            again=error.retryable and attempt < policy.attempts and (asked is None or asked < LONG_WAIT),
            delay=delay(policy, attempt, asked),
            attempt=attempt,
            attempts=policy.attempts,
            seen=len(outcomes),
            failed=outcomes.count(False),
            operation=operation,
        )

    def failure(self, error: HoldfastError, choice: Choice) -> ApplicationError:
        """The failure to raise, so that Temporal does as was chosen; what was chosen is in its details."""
        retry: dict[str, object] = {
            "again": choice.again,
            "delay": round(choice.delay, 3) if choice.again else None,
            "attempt": choice.attempt,
            "attempts": choice.attempts,
            "seen": choice.seen,
            "failed": choice.failed,
            "operation": choice.operation,
        }
        then = f"again in {choice.delay:.3g} s" if choice.again else "not again"
        _log.warning(
            "%s failed (%s), attempt %d of %d, %s",
            choice.operation,
            error.code,
            choice.attempt,
            choice.attempts,
            then,
            extra={"retry": retry},
        )
        if choice.again:
            self._meters.retried(choice.operation)
        return to_failure(error, retry=retry)


def adapted(spec: RetryPolicy, outcomes: Sequence[bool]) -> RetryPolicy:
    """The policy that suits the last outcomes (True for a success), within its bounds.

    At most ``MORE_ATTEMPTS`` more than declared and delays at most ``SLOWER`` times as long, never
    past ``max_delay``; one attempt stays one.
    """
    failing = 1 - sum(outcomes) / len(outcomes) if outcomes else 0.0
    if not spec.adaptive or spec.attempts <= 1 or len(outcomes) < ENOUGH or failing < OFTEN:
        return spec
    # Failures come in waves, so the more there are the longer it is worth waiting for the end of one.
    slower = 1 + (SLOWER - 1) * min(1.0, (failing - OFTEN) / (ALMOST_ALWAYS - OFTEN))
    if failing >= ALMOST_ALWAYS:
        attempts = (spec.attempts + 1) // 2
    else:
        attempts = spec.attempts + min(MORE_ATTEMPTS, 1 if failing < VERY_OFTEN else 2)
    first = max(spec.first_delay, min(spec.first_delay * slower, spec.max_delay))
    return spec.model_copy(update={"attempts": attempts, "first_delay": first})


def delay(spec: RetryPolicy, attempt: int, retry_after: float | None = None) -> float:
    """Seconds to wait after a failed attempt: what the other side asked for, else growing and jittered."""
    if retry_after:  # zero asks for nothing
        return retry_after * (1 + random.uniform(0, _LATE))
    base = spec.first_delay
    for _ in range(attempt - 1):
        if not 0 < base < spec.max_delay or spec.backoff <= 1:
            break
        base *= spec.backoff
    base = min(base, spec.max_delay)
    # The upper end is bounded, not the drawn value: else half of the longest delays would be equal.
    return random.uniform(base * (1 - _SPREAD), min(base * (1 + _SPREAD), spec.max_delay))
