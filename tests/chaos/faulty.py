"""Runs whose model fails in three requests of ten, and their documented ends, computed from the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from holdfast.testing import Fault, Faults, Reply, Request

from .program import ATTEMPTS, REPAIRS, STEPS
from .script import note, reply

RATE = 0.3
AFTER = 2.0
"""Seconds that a rate limit has its client wait."""

FAULTS = Faults(reply, seed=0, rate=RATE, after=AFTER)
"""The seed of a pass is in the ids of its runs, which faults are drawn from."""


def script(request: Request) -> Reply:
    """The model with its faults."""
    made = FAULTS(request)
    note(request, fault=made.fault, provider=request.wire)
    return made


@dataclass(frozen=True, order=True)
class End:
    """How a run may end: its error's code, "" if all is well, and after how many requests."""

    code: str
    requests: int


@dataclass(frozen=True)
class _Place:
    """Where a run is: requests so far, steps taken, the call's attempt, invalid steps in a row, and
    whether this attempt has changed its prompt already."""

    requests: int = 0
    steps: int = 0
    attempt: int = 1
    invalid: int = 0
    changed: bool = False


def ends(run: str) -> frozenset[End]:
    """The documented ends of a run of the agent ``plain``.

    There is one end, except where a prompt is refused: whether a changed prompt can be sent
    depends on the prompt, so both the immediate error and one more call are correct.
    """
    return frozenset(_ends(run, _Place()))


def _ends(run: str, at: _Place) -> Iterator[End]:
    fault = FAULTS.fault(run, at.requests + 1)
    then = replace(at, requests=at.requests + 1)
    if fault is None:
        if at.steps == STEPS:
            yield End("", then.requests)
        else:
            yield from _ends(run, _Place(then.requests, at.steps + 1))
    else:
        yield from _after(run, then, fault)


def _after(run: str, at: _Place, fault: Fault) -> Iterator[End]:
    if fault.ends in ("retried", "waited") and at.attempt < ATTEMPTS:
        yield from _ends(run, replace(at, attempt=at.attempt + 1, changed=False))
    elif fault.ends == "returned" and at.invalid < REPAIRS:
        yield from _ends(run, _Place(at.requests, at.steps, invalid=at.invalid + 1))
    else:
        yield End(fault.code, at.requests)
        if fault.ends == "changed" and not at.changed:
            yield from _ends(run, replace(at, changed=True))
