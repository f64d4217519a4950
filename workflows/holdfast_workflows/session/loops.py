"""Seeing that a turn goes round in circles: a pure function of the trail of its calls.

A trail holds what a call was and what came of it, one text per call. The model may call
as often as it likes as long as something changes; a circle is the same calls in the same
order with the same results, again and again, or one call that keeps failing.
"""

from collections.abc import Sequence

from holdfast_workflows.contracts.steps import CallView

_LONGEST = 6
"""Calls in the longest circle that is seen."""
_TIMES = 3
"""How often a circle of several calls is walked before it counts as one."""
_SAME = 4
"""How often in a row one call gives the same result."""
_FAILING = 3
"""How often in a row one call fails, whatever it says."""

KEPT = _LONGEST * _TIMES
"""Calls of a trail that matter."""

_FAILED = "failed"


def mark(call: CallView) -> str:
    """A call that has ended, as a trail keeps it; empty if nothing is known to compare it by.

    Calls refused as invalid have a bound of their own, and cancelled ones say nothing.
    """
    if not call.digest or not call.result_digest or call.status not in {"ok", _FAILED}:
        return ""
    return f"{call.status} {call.digest} {call.result_digest} {call.name}"


def longer(trail: Sequence[str], marks: Sequence[str]) -> tuple[str, ...]:
    """The trail with further calls, as long as it has to be."""
    return tuple([*trail, *marks][-KEPT:])


def circle(trail: Sequence[str]) -> tuple[str, ...]:
    """The names of the tools in the circle that the trail ends with; empty if it does not end with one."""
    for period in range(1, _LONGEST + 1):
        times = _SAME if period == 1 else _TIMES
        tail = trail[-period * times :]
        if len(tail) == period * times and all(tail[i] == tail[i % period] for i in range(len(tail))):
            return _names(tail[:period])
    last = trail[-_FAILING:]
    if len(last) == _FAILING and len({_call(each) for each in last}) == 1 and _fails(last):
        return _names(last[:1])
    return ()


def _call(mark: str) -> str:
    return mark.split(" ", 2)[1]


def _fails(marks: Sequence[str]) -> bool:
    return all(mark.startswith(f"{_FAILED} ") for mark in marks)


def _names(marks: Sequence[str]) -> tuple[str, ...]:
    """Each name once, in order."""
    return tuple(dict.fromkeys(mark.split(" ", 3)[3] for mark in marks))
