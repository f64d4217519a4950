"""The lines of a turn in the current details."""

from __future__ import annotations

from itertools import count

from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event, EventKind
from holdfast_workflows.session.state.reporting.timeline import Timeline

NOON = 1_795_780_800.0


def event(kind: EventKind, n: int, at: float, **fields: object) -> Event:
    return Event.model_validate({"kind": kind, "n": n, "turn": 1, "at": NOON + at, **fields})


def steps(numbers: range) -> list[Event]:
    """Each step with one call of 250 ms."""
    n, events = count(1), list[Event]()
    for step in numbers:
        about = {"step": step, "seq": 2 * step, "name": "look"}
        events += [
            event(
                "step", next(n), step, step=step, name="openai:m", seconds=0.5, usage=Usage(input_tokens=9)
            ),
            event("call_started", next(n), step, text=f"at={step}", **about),
            event("call_ended", next(n), step + 0.25, text="seen", status="ok", **about),
        ]
    return events


def test_a_call_is_one_line_with_its_start_and_duration() -> None:
    shown = Timeline(steps(range(1, 2))).lines()
    assert shown == [
        "- 12:00:00 **step 1** · 500 ms · openai:m · 9 in, 0 out",
        "- 12:00:01 ↳ `look(at=1)` ok · 250 ms: seen",
    ]


def test_the_end_of_a_wait_adds_its_duration() -> None:
    timeline = Timeline([event("waiting", 1, 0, text="openai is overloaded")])
    timeline.add(event("waiting", 2, 1, text="a limit is reached"))
    assert timeline.lines() == [
        "- 12:00:00 waits: openai is overloaded",
        "- 12:00:01 waits: a limit is reached",
    ]
    timeline.wait_ended("openai is overloaded", NOON + 125)
    timeline.wait_ended("a limit is reached", NOON + 3)
    waited = [
        "- 12:00:00 waited 2 min 5 s: openai is overloaded",
        "- 12:00:01 waited 2.0 s: a limit is reached",
    ]
    assert timeline.lines() == waited


def test_a_wait_of_the_run_before_has_ended() -> None:
    events = [event("waiting", 0, 0, text="openai is overloaded"), *steps(range(1, 2))]
    assert Timeline(events).lines()[0] == "- 12:00:00 waited 1.0 s: openai is overloaded"


def test_a_long_turn_keeps_its_beginning_and_end_and_names_the_steps_between() -> None:
    shown = Timeline(steps(range(1, 101))).lines()
    assert len(shown) == 41
    assert "step 1*" in shown[0]
    assert "look(at=100)" in shown[-1]
    assert shown[8] == "- … lines of steps 5 to 84 are not shown"


def test_a_call_that_ends_late_keeps_its_place() -> None:
    first = event("call_started", 0, 0, name="dig", seq=1, step=1, text="")
    timeline = Timeline([first, *steps(range(1, 101))])
    timeline.add(event("call_ended", 999, 200, name="dig", seq=1, step=1, status="ok", text="a hole"))
    assert timeline.lines()[0] == "- 12:00:00 ↳ `dig` ok · 3 min 20 s: a hole"


def test_a_new_turn_begins_with_no_lines() -> None:
    assert not Timeline([*steps(range(1, 101)), event("turn_started", 999, 300, turn=2)]).lines()


def test_steps_of_the_run_before_are_named() -> None:
    assert Timeline(steps(range(31, 33))).lines()[0] == "- … lines of steps 1 to 30 are not shown"


def test_text_of_models_and_tools_is_no_markup() -> None:
    named = event("call_ended", 1, 0, name="`x`", seq=1, status="ok", text="$1 **b** $2")
    assert Timeline([named]).lines() == [r"- 12:00:00 ↳ `x` ok · 0 ms: \$1 \*\*b\*\* \$2"]
