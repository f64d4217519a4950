"""Loop detection: a pure function of the trail of a turn's steps.

The trail has one short text per step, with digests of its calls and results. A loop is the same calls in the
same order with the same results again and again, or the same calls that keep failing.
"""

import hashlib
from collections.abc import Sequence

from holdfast_workflows.contracts.session.steps import CallView

_LONGEST = 6
"""Steps in the longest loop that is detected."""
_TIMES = 3
"""Repetitions after which several steps count as a loop."""
_SAME = 4
"""Repetitions after which a single step counts as a loop."""
_FAILING = 3
"""Failures in a row after which a step counts as a loop, whatever the errors are."""

TRAIL_STEPS = _LONGEST * _TIMES
"""Steps that a trail holds."""

_FAILED = "failed"
_NAMED = 3
"""Tool names in a mark."""


def mark(calls: Sequence[CallView]) -> str:
    """Return a step's entry in the trail; empty if no call can be compared.

    Invalid calls have their own limit, and cancelled ones have no outcome to compare.
    """
    known = [call for call in calls if call.digest and call.result_digest and call.status in {"ok", _FAILED}]
    if not known:
        return ""
    status = _FAILED if all(call.status == _FAILED for call in known) else "ok"
    calls_digest = _digest([call.digest for call in known])
    results_digest = _digest([call.result_digest for call in known])
    names = list(dict.fromkeys(call.name for call in known))[:_NAMED]
    return f"{status} {calls_digest} {results_digest} {', '.join(names)}"


def extend(trail: Sequence[str], mark: str) -> tuple[str, ...]:
    """Return the trail with one more step and at most ``TRAIL_STEPS`` of them."""
    return tuple([*trail, mark][-TRAIL_STEPS:]) if mark else tuple(trail)


def loop(trail: Sequence[str]) -> tuple[str, ...]:
    """Return the tools of the loop that the trail ends with; empty if there is no loop."""
    for period in range(1, _LONGEST + 1):
        length = period * (_SAME if period == 1 else _TIMES)
        tail = trail[-length:]
        if len(tail) == length and all(tail[i] == tail[i % period] for i in range(length)):
            return tuple(dict.fromkeys(_names(mark) for mark in tail[:period]))
    failed = [_failed_calls(mark) for mark in trail[-_FAILING:]]
    if len(failed) == _FAILING and failed[0] and len(set(failed)) == 1:
        return (_names(trail[-1]),)
    return ()


def _failed_calls(mark: str) -> str:
    """The digest of a failed step's calls; empty for a step that did not fail."""
    status, calls_digest, _ = mark.split(" ", 2)
    return calls_digest if status == _FAILED else ""


def _names(mark: str) -> str:
    return mark.split(" ", 3)[3]


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
