"""Seeing that a turn goes round in circles: a pure function of the trail of its steps.

A trail holds what a step called and what came of it, one short text per step. The model
may call as often as it likes as long as something changes; a circle is the same calls in
the same order with the same results, again and again, or calls that keep failing.
"""

import hashlib
from collections.abc import Sequence

from holdfast_workflows.contracts.steps import CallView

_LONGEST = 6
"""Steps in the longest circle that is seen."""
_TIMES = 3
"""How often a circle of several steps is walked before it counts as one."""
_SAME = 4
"""How often in a row a step gives the same results."""
_FAILING = 3
"""How often in a row a step fails, whatever it says."""

KEPT = _LONGEST * _TIMES
"""Steps of a trail that matter."""

_FAILED = "failed"
_NAMED = 3
"""Tools that a mark names."""


def mark(calls: Sequence[CallView]) -> str:
    """A step whose calls have ended, as a trail keeps it; empty if nothing is known to compare it by.

    Calls refused as invalid have a bound of their own, and cancelled ones say nothing.
    """
    known = [call for call in calls if call.digest and call.result_digest and call.status in {"ok", _FAILED}]
    if not known:
        return ""
    status = _FAILED if all(call.status == _FAILED for call in known) else "ok"
    asked = _digest([call.digest for call in known])
    came = _digest([call.result_digest for call in known])
    names = list(dict.fromkeys(call.name for call in known))[:_NAMED]
    return f"{status} {asked} {came} {', '.join(names)}"


def longer(trail: Sequence[str], mark: str) -> tuple[str, ...]:
    """The trail with a further step, no longer than it has to be."""
    return tuple([*trail, mark][-KEPT:]) if mark else tuple(trail)


def circle(trail: Sequence[str]) -> tuple[str, ...]:
    """The tools in the circle that the trail ends with; empty if it does not end with one."""
    for period in range(1, _LONGEST + 1):
        length = period * (_SAME if period == 1 else _TIMES)
        tail = trail[-length:]
        if len(tail) == length and all(tail[i] == tail[i % period] for i in range(length)):
            return tuple(dict.fromkeys(_names(mark) for mark in tail[:period]))
    asked = [_failing(mark) for mark in trail[-_FAILING:]]
    if len(asked) == _FAILING and asked[0] and len(set(asked)) == 1:
        return (_names(trail[-1]),)
    return ()


def _failing(mark: str) -> str:
    """What a step that failed had called; empty for one that did not fail."""
    status, asked, _ = mark.split(" ", 2)
    return asked if status == _FAILED else ""


def _names(mark: str) -> str:
    return mark.split(" ", 3)[3]


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
