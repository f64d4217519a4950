"""Loop detection by itself: what is a circle and what is work."""

from __future__ import annotations

import pytest

from holdfast_workflows.contracts.session.entries import ResultStatus
from holdfast_workflows.contracts.session.steps import CallView
from holdfast_workflows.session.turn import loop_detection


def step(*calls: str, status: ResultStatus = "ok") -> str:
    """A step's mark: calls written as ``name(arguments)=result``."""
    views: list[CallView] = []
    for seq, call in enumerate(calls):
        asked, result = call.split("=")
        name = asked.split("(")[0]
        views.append(
            CallView(id="c", name=name, seq=seq, done=True, status=status, digest=asked, result_digest=result)
        )
    return loop_detection.mark(views)


def walk(marks: list[str]) -> list[tuple[str, ...]]:
    """What is seen after each step."""
    trail: tuple[str, ...] = ()
    seen: list[tuple[str, ...]] = []
    for mark in marks:
        trail = loop_detection.extend(trail, mark)
        seen.append(loop_detection.loop(trail))
    return seen


def test_the_same_call_with_the_same_result_is_a_circle_at_the_fourth_time() -> None:
    assert walk([step("look(a)=1")] * 4) == [(), (), (), ("look",)]


def test_a_call_whose_result_changes_is_none() -> None:
    assert not any(walk([step(f"look(a)={n}") for n in range(20)]))


def test_a_failing_call_is_a_circle_at_the_third_time_whatever_it_says() -> None:
    failing = [step(f"fall(a)={n}", status="failed") for n in range(3)]
    assert walk(failing) == [(), (), ("fall",)]


def test_a_call_that_fails_with_other_arguments_each_time_is_none() -> None:
    assert not any(walk([step(f"fall({n})=no", status="failed") for n in range(10)]))


def test_two_calls_that_take_turns_are_a_circle_at_the_sixth_call() -> None:
    seen = walk([step("look(a)=1"), step("peek(b)=2")] * 3)
    assert seen[:-1] == [()] * 5
    assert seen[-1] == ("look", "peek")


def test_a_longer_circle_is_seen_the_third_time_round() -> None:
    seen = walk([step(f"look({n})=1") for n in range(5)] * 3)
    assert [bool(found) for found in seen] == [False] * 14 + [True]


def test_calls_side_by_side_count_once() -> None:
    together = step("look(a)=1", "look(a)=1", "look(a)=1", "look(a)=1")
    assert walk([together] * 4) == [(), (), (), ("look",)]


def test_something_new_between_is_progress() -> None:
    marks = [step("look(a)=1"), step("look(a)=1"), step("look(a)=1"), step("peek(b)=2"), step("look(a)=1")]
    assert not any(walk(marks))


@pytest.mark.parametrize("status", ["invalid", "cancelled"])
def test_calls_that_were_not_carried_out_leave_no_mark(status: ResultStatus) -> None:
    assert step("look(a)=1", status=status) == ""


def test_calls_of_an_older_worker_which_says_nothing_of_them_leave_no_mark() -> None:
    assert loop_detection.mark([CallView(id="c", name="look", seq=1, done=True, status="ok")]) == ""


def test_a_trail_stays_short() -> None:
    trail: tuple[str, ...] = ()
    for n in range(1_000):
        trail = loop_detection.extend(trail, step(f"look({n})=1"))
    assert len(trail) == loop_detection.TRAIL_STEPS
    assert max(map(len, trail)) < 80
