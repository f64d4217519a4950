"""Whether and when a failed call is retried: the declared policy, adapted to recent outcomes.

Temporal does the retry: an activity raises a failure with the delay before the next attempt, or a
non-retryable one. The workflow allows ``limits.MORE_ATTEMPTS`` more attempts than declared, so that the
choice made here decides.
"""

import logging
import random
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.errors import HoldfastError, to_failure
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS, SLOWER
from holdfast_workflows.contracts.operations.instruments import NO_METRICS, Instruments

OUTCOMES = 50
"""Recent outcomes of an operation that count."""

MIN_OUTCOMES = 10
"""Fewer outcomes are ignored: one more failure would change the share by over a tenth."""

OFTEN = 1 / 3
"""The share of failures from which attempts are added. Below it three attempts all fail in at most one
call of 27, which the declared policy accepts."""

VERY_OFTEN = 0.6
"""From here on, with one attempt more, one call of eight still fails; a second is added."""

ALMOST_ALWAYS = 0.9
"""From here on retries do not help: six calls of ten fail after five attempts, and a part that is down
gets five times the requests."""

LONG_WAIT = 60.0
"""Seconds. A call that has to wait longer uses another provider, or its run waits."""

_SPREAD = 0.25
"""The jitter of delays to both sides: calls that failed together are spread over half their delay."""

_LATE = 0.05
"""The most by which a Retry-After is exceeded; it is never shortened."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision after a failed ``attempt``, counted from 1: retry ``again`` in ``delay`` seconds, or not.

    ``failed`` of ``seen`` recent outcomes were failures. ``operation`` is ``model:<provider>`` or ``tool:<name>``.
    """

    again: bool
    delay: float
    attempt: int
    attempts: int
    seen: int
    failed: int
    operation: str


class Retries:
    """Recent outcomes of each operation in this worker, and the retry decisions based on them."""

    def __init__(self, metrics: Instruments = NO_METRICS) -> None:
        self._outcomes: defaultdict[str, deque[bool]] = defaultdict(partial(deque[bool], maxlen=OUTCOMES))
        self._metrics = metrics

    def note(self, operation: str, ok: bool) -> None:
        self._outcomes[operation].append(ok)

    def choose(self, operation: str, spec: RetryPolicy, attempt: int, error: HoldfastError) -> Choice:
        """Decide what follows the failure of ``attempt``, counted from 1."""
        outcomes = list(self._outcomes.get(operation, ()))
        policy = adapted(spec, outcomes)
        retry_after = error.retry_after
        return Choice(
            again=error.retryable
            and attempt < policy.attempts
            and (retry_after is None or retry_after < LONG_WAIT),
            delay=delay(policy, attempt, retry_after),
            attempt=attempt,
            attempts=policy.attempts,
            seen=len(outcomes),
            failed=outcomes.count(False),
            operation=operation,
        )

    def failure(self, error: HoldfastError, choice: Choice) -> ApplicationError:
        """The failure to raise so that Temporal follows the choice, which is in its details."""
        retry = asdict(choice) | {"delay": round(choice.delay, 3) if choice.again else None}
        then = f"retry in {choice.delay:.3g} s" if choice.again else "no retry"
        attempt = f"attempt {choice.attempt} of {choice.attempts}"
        _log.warning(
            "%s failed (%s), %s, %s", choice.operation, error.code, attempt, then, extra={"retry": retry}
        )
        if choice.again:
            self._metrics.count("holdfast_retries_total", operation=choice.operation)
        return to_failure(error, retry=retry)


def adapted(spec: RetryPolicy, outcomes: Sequence[bool]) -> RetryPolicy:
    """The policy adapted to recent outcomes (True for a success).

    At most ``MORE_ATTEMPTS`` more than declared and delays at most ``SLOWER`` times as long, never
    past ``max_delay``; one attempt stays one.
    """
    failing = 1 - sum(outcomes) / len(outcomes) if outcomes else 0.0
    if not spec.adaptive or spec.attempts <= 1 or len(outcomes) < MIN_OUTCOMES or failing < OFTEN:
        return spec
    # Failures come in waves: the more there are, the longer the delay.
    slower = 1 + (SLOWER - 1) * min(1.0, (failing - OFTEN) / (ALMOST_ALWAYS - OFTEN))
    if failing >= ALMOST_ALWAYS:
        attempts = (spec.attempts + 1) // 2
    else:
        attempts = spec.attempts + min(MORE_ATTEMPTS, 1 if failing < VERY_OFTEN else 2)
    first = max(spec.first_delay, min(spec.first_delay * slower, spec.max_delay))
    return spec.model_copy(update={"attempts": attempts, "first_delay": first})


def delay(spec: RetryPolicy, attempt: int, retry_after: float | None = None) -> float:
    """Seconds before the next attempt: the Retry-After, else exponential backoff with jitter."""
    if retry_after:  # zero means none was given
        return retry_after * (1 + random.uniform(0, _LATE))
    base = spec.first_delay
    for _ in range(attempt - 1):
        if not 0 < base < spec.max_delay or spec.backoff <= 1:
            break
        base *= spec.backoff
    base = min(base, spec.max_delay)
    # Bound the range, not the drawn value: otherwise half of the longest delays would be equal.
    return random.uniform(base * (1 - _SPREAD), min(base * (1 + _SPREAD), spec.max_delay))
