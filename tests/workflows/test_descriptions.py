"""Calls and steps in short texts for people."""

from __future__ import annotations

import pytest

from holdfast_workflows.contracts.limits import INLINE_ARGUMENTS
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import CallView, StepView


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('{"order": 42, "reason": "late", "tags": ["a"], "dry": true}', 'order=42, reason=late, tags=["a"], dry=true'),
        ("{}", ""),
        ("", ""),
        ("[1]", "[1]"),
        ('{"cut', '{"cut'),
        ("[" * INLINE_ARGUMENTS, "[" * 199 + "…"),
        ('{"a": "' + "x" * 100 + '"}', "a=" + "x" * 59 + "…"),
        ('{"a": "one\\ntwo\\ud800"}', "a=one two\ufffd"),
    ],
)  # fmt: skip
def test_arguments_are_short_and_on_one_line(given: str, shown: str) -> None:
    assert descriptions.arguments(given) == shown


def step(*calls: CallView, **fields: object) -> StepView:
    about = {"seq": 2, "finish": "tool_calls" if calls else "stop", "model": "openai:m", "calls": calls}
    return StepView.model_validate(about | fields)


def test_a_step_names_what_it_asked_for_its_model_and_its_usage() -> None:
    asked = CallView(id="a", name="lookup", seq=3, arguments='{"order": 42}')
    ran = CallView(id="b", name="peek", seq=4, preview="at=it", done=True, status="failed", seconds=0.0123)
    usage = Usage(input_tokens=1204, output_tokens=35, cost=0.00123)
    shown = "lookup(order=42), peek(at=it) failed in 12 ms · openai:m · 1,204 in, 35 out, $0.0012"
    assert descriptions.decided(step(asked, ran, usage=usage)) == shown


def test_a_step_without_calls_shows_its_text_and_why_it_ended_early() -> None:
    shown = descriptions.decided(
        step(text="Hello.", finish="length", instead="anthropic:x failed: overloaded")
    )
    assert shown == "“Hello.” (length) · openai:m · before it: anthropic:x failed: overloaded"


def test_a_step_is_bounded() -> None:
    long = "x" * 5_000
    call = CallView(id="a", name=long, seq=3, preview=long)
    shown = descriptions.decided(step(*[call] * 100, instead=long, output_problem=long))
    assert "97 more" in shown
    assert len(shown) < 700


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0 ms"), (0.0123, "12 ms"), (1.24, "1.2 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s"), (11_405, "3 h 10 min")],
)  # fmt: skip
def test_a_duration_has_the_unit_that_fits(seconds: float, shown: str) -> None:
    assert descriptions.duration(seconds) == shown
