"""Scores of an outcome by a case's expectations, from 0 to 1."""

import asyncio
import importlib
import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.evaluation.cases import (
    Case,
    Expectation,
    ExpectAtMost,
    ExpectCall,
    ExpectFunction,
    ExpectJudge,
    ExpectOutput,
    ExpectStatus,
    ExpectText,
)
from holdfast_workflows.contracts.evaluation.outcomes import Outcome

Scorer = Callable[[Case, Outcome], Any]
"""Returns a bool, a number from 0 to 1, or a pair of such a value and a reason; it may be async."""

Judge = Callable[[Case, Outcome, str], Awaitable[tuple[float, str]]]
"""Answers a question about an outcome by a score and its reason."""


@dataclass(frozen=True)
class Score:
    """One expectation's score, and why it is not 1."""

    what: str
    value: float
    reason: str = ""


async def scores(case: Case, outcome: Outcome, judge: Judge | None) -> tuple[Score, ...]:
    """Score an outcome by each expectation of its case."""
    return tuple([await _score(each, case, outcome, judge) for each in case.expectations])


async def _score(expected: Expectation, case: Case, outcome: Outcome, judge: Judge | None) -> Score:
    if isinstance(expected, ExpectFunction):
        return await scored(find_function(expected.function), case, outcome, expected.function)
    if not isinstance(expected, ExpectJudge):
        return _checked(expected, outcome)
    if judge is None:
        raise BadInput(f"case {case.name!r} needs a judge; name its model with judge=… or --judge")
    value, reason = await judge(case, outcome, expected.question)
    return Score(f"judge: {expected.question}", value, reason)


def _checked(
    expected: ExpectStatus | ExpectText | ExpectCall | ExpectOutput | ExpectAtMost, outcome: Outcome
) -> Score:
    match expected:
        case ExpectStatus(status=status):
            code = f": {outcome.error.code}" if outcome.error else ""
            return _passed(f"status {status}", outcome.status == status, f"{outcome.status}{code}")
        case ExpectText():
            return _text(expected, outcome)
        case ExpectCall():
            return _call(expected, outcome)
        case ExpectOutput():
            return _output(expected, outcome)
        case ExpectAtMost(what=what, limit=limit):
            used = _quantity(what, outcome)
            return _passed(f"{what} at most {limit:g}", used <= limit, f"{used:g}")


def _passed(what: str, passed: bool, otherwise: str) -> Score:
    return Score(what, float(passed), "" if passed else otherwise)


def _text(expected: ExpectText, outcome: Outcome) -> Score:
    pattern = expected.text if expected.pattern else re.escape(expected.text)
    there = re.search(pattern, outcome.text, re.IGNORECASE | re.DOTALL) is not None
    what = f"{'no ' if expected.absent else ''}text {expected.text!r}"
    return _passed(what, there != expected.absent, outcome.text[:200] or "no reply")


def _call(expected: ExpectCall, outcome: Outcome) -> Score:
    asked = [call for call in outcome.calls if call.name == expected.tool]
    same = [call for call in asked if _has(_json(call.arguments), expected.arguments)]
    given = json.dumps(expected.arguments, ensure_ascii=False) if expected.arguments else ""
    what = f"call {expected.tool}({given})"
    if expected.times is not None:
        return _passed(f"{what} {expected.times} times", len(same) == expected.times, f"{len(same)} times")
    return _passed(what, bool(same), ", ".join(call.arguments for call in asked) or "no call")


def _has(value: Any, part: Any) -> bool:
    """Whether a value has all that a part has: of objects the named fields, of others everything."""
    if not (isinstance(value, dict) and isinstance(part, dict)):
        return bool(value == part)
    has, wanted = cast("dict[str, Any]", value), cast("dict[str, Any]", part)
    return all(name in has and _has(has[name], each) for name, each in wanted.items())


def _output(expected: ExpectOutput, outcome: Outcome) -> Score:
    value = _json(outcome.text)
    for step in filter(None, expected.path.split(".")):
        value = _part(value, step)
    what = f"{expected.path or 'output'} = {expected.equals!r}"
    return _passed(what, bool(value == expected.equals), repr(value)[:200])


def _part(value: Any, step: str) -> Any:
    """A field of an object, or an item of a list; None without one."""
    try:
        return value[int(step) if isinstance(value, list) else step]
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _quantity(what: str, outcome: Outcome) -> float:
    usage = outcome.usage
    values = {
        "cost": usage.cost,
        "seconds": outcome.seconds,
        "steps": outcome.steps,
        "tokens": usage.input_tokens + usage.output_tokens,
    }
    return float(values[what])


async def scored(function: Scorer, case: Case, outcome: Outcome, name: str) -> Score:
    """Score an outcome by a function.

    Raises:
        BadInput: The function returned something else than a score.
    """
    if inspect.iscoroutinefunction(function):
        found = await function(case, outcome)
    else:
        found = await asyncio.to_thread(function, case, outcome)
    try:
        value, reason = found
    except (TypeError, ValueError):
        value, reason = found, ""
    if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
        raise BadInput(f"{name} returned {found!r}; return a bool, or a number from 0 to 1")
    return Score(name, float(value), str(reason))


def find_function(name: str) -> Scorer:
    """The function ``module:function``.

    Raises:
        BadInput: There is no such function.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise BadInput(f"{name}: {error}") from error
    if not callable(found):
        raise BadInput(f"{name} is not a function; name it as module:function")
    function: Scorer = found
    return function
