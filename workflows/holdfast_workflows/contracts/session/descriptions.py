"""Calls and steps in short texts for people: in summaries, results and current details."""

import json
from typing import Any, cast

from ..limits import INLINE_ARGUMENTS, PREVIEW_CHARS, SHOWN_CHARS
from ..text.unicode import preview
from .entries import Usage
from .steps import CallView, StepView

_CALLS = 3
"""Calls of a step that are named."""

_NAME = 64


def arguments(text: str) -> str:
    """Return a call's JSON arguments as ``order=42, reason=late``; other text as it is, on one line."""
    if len(text) > INLINE_ARGUMENTS:
        return preview(text)
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return preview(text)
    if not isinstance(value, dict):
        return preview(text)
    given = cast("dict[str, Any]", value)
    return preview(", ".join(f"{preview(name, SHOWN_CHARS)}={_value(each)}" for name, each in given.items()))


def call(name: str, arguments: str, chars: int = PREVIEW_CHARS) -> str:
    """Return ``lookup_order(order=42)`` for a call with arguments from ``arguments``."""
    return f"{preview(name, _NAME)}({preview(arguments, chars)})"


def given(view: CallView) -> str:
    """Return the arguments of a call, from its preview if it has one."""
    return view.preview or arguments(view.arguments)


def decided(step: StepView) -> str:
    """Return what a step's model asked for or answered, which model it was, and the usage."""
    what = _calls(step) if step.calls else f"“{preview(step.text, SHOWN_CHARS)}”" if step.text else "no text"
    if step.finish not in {"stop", "tool_calls"}:
        what = f"{what} ({step.finish})"
    parts = [what, step.model, usage(step.usage)]
    if step.output_problem:
        parts.append(f"not the output asked for: {preview(step.output_problem, SHOWN_CHARS)}")
    if step.instead:
        parts.append(f"before it: {preview(step.instead, SHOWN_CHARS)}")
    return " · ".join(filter(None, parts))


def usage(usage: Usage) -> str:
    """Return ``1,204 in, 35 out, $0.0012``; empty for no usage."""
    if not (usage.input_tokens or usage.output_tokens):
        return ""
    cost = f", ${usage.cost:,.4f}" if usage.cost else ""
    return f"{usage.input_tokens:,} in, {usage.output_tokens:,} out{cost}"


def duration(seconds: float) -> str:
    """Return a duration in the unit that fits: ``35 ms``, ``1.2 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if seconds < 0.9995:
        return f"{1_000 * max(0.0, seconds):.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"


def _calls(step: StepView) -> str:
    named = [_call(each) for each in step.calls[:_CALLS]]
    more = len(step.calls) - _CALLS
    return ", ".join([*named, f"{more} more"] if more > 0 else named)


def _call(view: CallView) -> str:
    shown = call(view.name, given(view), SHOWN_CHARS)
    if not view.done:
        return shown
    return f"{shown} {view.status}" + (f" in {duration(view.seconds)}" if view.seconds else "")


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return preview(text, SHOWN_CHARS)
