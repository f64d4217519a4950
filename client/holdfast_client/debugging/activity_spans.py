"""The spans of one activity: the wait for a worker, attempts that failed, and the work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Usage

from .json_values import number_of, object_of, objects_of
from .records import Activity
from .spans import Span, SpanKind

_MEMORY: Final = frozenset({names.RECALL, names.REMEMBER_TURN, names.COMPACT})
_BRIEF: Final = 0.02
"""Seconds for a worker to take an activity that are not shown as a wait of their own."""


def activity_spans(each: Activity, now: float) -> list[Span]:
    """Return the spans of an activity, in order."""
    whole = Span(
        _kind(each),
        f"step {each.step}" if each.type == names.THINK else each.type,
        each.started,
        each.ended or now,
        each.outcome,
        each.turn,
        each.step,
        each.attempt,
        each.worker,
    )
    if not each.started:  # no worker has taken it
        return [_before(each, whole, whole.end)]
    found: list[Span] = []
    if each.attempt > 1 or each.started - each.scheduled > _BRIEF:
        found.append(_before(each, whole, each.started))
    if each.outcome == "lost":
        detail = f"its worker sent no heartbeat any more: {each.worker}"
        return [*found, replace(whole, kind="lost", detail=detail)]
    if each.type == names.THINK and objects_of(each.result.get("steps")):
        return [*found, *_steps(each, whole)]
    status = str(each.result.get("status") or "ok") if each.outcome == "ok" else each.outcome
    return [*found, replace(whole, status=status, detail=each.error or each.reason or each.summary)]


def _kind(each: Activity) -> SpanKind:
    if each.child:
        return "child"
    if each.type == names.THINK:
        return "model"
    if each.type in _MEMORY:
        return "memory"
    return "other" if each.type in names.RESERVED else "tool"


def _before(each: Activity, whole: Span, end: float) -> Span:
    """Return the time until a worker took the activity, or its last attempt."""
    status = "ok" if each.started else each.outcome
    span = replace(whole, start=each.scheduled, end=end, status=status)
    if each.attempt == 1:
        waits = (
            f"until a worker of {each.queue} took it"
            if each.started
            else f"waits for a worker of {each.queue}"
        )
        return replace(span, kind="queue", detail=each.error or waits)
    tries = each.attempt - 1
    times = "1 failed attempt" if tries == 1 else f"{tries} failed attempts"
    detail = f"{times}: {each.last_error}" if each.last_error else times
    return replace(span, kind="retry", attempts=tries, detail=detail)


def _steps(each: Activity, whole: Span) -> list[Span]:
    """Return the model calls and inline tools of an activity, from how long each took, the last one first."""
    found: list[Span] = []
    at = whole.end
    steps = objects_of(each.result.get("steps"))
    for place in reversed(range(len(steps))):
        step, number = steps[place], whole.step + place
        inline = [call for call in objects_of(step.get("calls")) if number_of(call.get("seconds"))]
        start = max(whole.start, at - max((number_of(call["seconds"]) for call in inline), default=0.0))
        for call in inline:
            given = call.get("preview") or descriptions.arguments(str(call.get("arguments", "")))
            end, status = min(at, start + number_of(call["seconds"])), str(call.get("status") or "ok")
            tool = replace(
                whole, kind="tool", name=str(call.get("name", "")), start=start, end=end, step=number
            )
            found.append(replace(tool, status=status, detail=str(given), attempts=1))
        began = whole.start if place == 0 else max(whole.start, start - number_of(step.get("seconds")))
        model = replace(whole, name=f"step {number}", start=began, end=start, step=number)
        found.append(replace(model, detail=_answered(step)))
        at = began
    return found[::-1]


def _answered(step: dict[str, Any]) -> str:
    calls = ", ".join(str(call.get("name", "")) for call in objects_of(step.get("calls")))
    given = object_of(step.get("usage"))
    counts: dict[str, Any] = {name: number_of(given.get(name)) for name in Usage.model_fields}
    usage = descriptions.usage(Usage.model_construct(None, **counts))
    before = f"before it: {step['instead']}" if step.get("instead") else ""
    return " · ".join(
        filter(None, (str(step.get("model", "")), usage, f"→ {calls}" if calls else "", before))
    )
