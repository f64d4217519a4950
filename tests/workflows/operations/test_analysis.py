from __future__ import annotations

import pytest

from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.operations.monitor import (
    MonitorChange,
    MonitorReport,
    Observation,
    ObservedPrompts,
    ObservedWorker,
)
from holdfast_workflows.operations.monitor.analysis import DAY, IN_A_ROW, KEPT, analyse, applicable


def seen(
    at: float = 0.0,
    *figures: Figure,
    workers: tuple[ObservedWorker, ...] = (),
    prompts: tuple[ObservedPrompts, ...] = (),
    every: float = 3_600.0,
) -> Observation:
    """An observation."""
    return Observation(at=at, figures=figures, workers=workers, prompts=prompts, maintenance_every=every)


def after(*observations: Observation, apply: bool = False) -> MonitorReport:
    """The report of the last of several runs."""
    report = MonitorReport()
    for each in observations:
        report = analyse(each, report, apply=apply)
    return report


def ids(report: MonitorReport) -> list[str]:
    """The recommendations of a report."""
    return [each.id for each in report.recommendations]


def queue(name: str, age: float, pollers: int = 1) -> tuple[Figure, Figure]:
    """The age of a queue's oldest activity, and the workers that ask for it."""
    labels = {"queue": name, "kind": "activity"}
    return (
        Figure(name="holdfast_queue_backlog_age_seconds", value=age, labels=labels),
        Figure(name="holdfast_queue_pollers", value=pollers, labels=labels),
    )


def waiting(at: float, changes: int, every: float = 3_600.0) -> Observation:
    """Memory changes that wait for the store."""
    return seen(at, Figure(name="holdfast_outbox_changes", value=changes), every=every)


FULL = ObservedWorker(identity="w", queue="q", memory=0.85)
FAILING = ObservedWorker(identity="w", queue="q", processed=10, failed=5)
SILENT = ObservedWorker(identity="w", queue="q", silent=True)


@pytest.mark.parametrize("bad", [FULL, FAILING, SILENT], ids=["full", "failing", "silent"])
def test_a_worker_that_stays_bad_is_to_be_restarted(bad: ObservedWorker) -> None:
    observations = [seen(at, workers=(bad,)) for at in range(IN_A_ROW)]
    assert ids(after(*observations)) == ["worker_restart:w"]
    good = ObservedWorker(identity="w", queue="q", memory=0.84, processed=10, failed=4)
    assert ids(after(*observations[:-1], seen(9, workers=(good,)))) == []
    assert ids(after(*observations[:-1])) == []


def test_a_recommendation_keeps_the_time_since_when_it_holds() -> None:
    report = after(*(seen(at, workers=(FULL,)) for at in range(10, 20)))
    assert [each.since for each in report.recommendations] == [12]


@pytest.mark.parametrize(
    ("pollers", "other", "action"),
    [(0, 3, "no worker serves it"), (1, 3, "let a worker of idle"), (1, 1, "add workers for it")],
)
def test_a_late_queue_gets_workers(pollers: int, other: int, action: str) -> None:
    busy = [seen(at, *queue("busy", 10.0, pollers), *queue("idle", 0.0, other)) for at in range(IN_A_ROW)]
    [found] = after(*busy).recommendations
    assert found.id == "load_rebalancing:busy activity"
    assert action in found.action
    quick = seen(9, *queue("busy", 9.9, pollers), *queue("idle", 0.0, other))
    assert ids(after(*busy[:-1], quick)) == []


@pytest.mark.parametrize(("share", "prompts", "count"), [(0.75, 20, 1), (0.74, 20, 0), (0.75, 19, 0)])
def test_full_prompts_call_for_a_smaller_window(share: float, prompts: int, count: int) -> None:
    each = ObservedPrompts(agent="clerk", prompts=prompts, share=share, context_window=100_000)
    found = after(seen(0, prompts=(each,))).recommendations
    assert len(found) == count
    assert all("context_window=70000" in each.action for each in found)


def test_memories_that_grow_within_a_day_are_to_be_cleaned() -> None:
    def memories(at: float, number: int) -> Observation:
        return seen(at, Figure(name="holdfast_memories", value=number))

    assert ids(after(memories(1, 1_000), memories(2, 1_200))) == ["memory_cleanup:memory"]
    assert ids(after(memories(1, 1_000), memories(2, 1_199))) == []
    assert ids(after(memories(1, 700), memories(2, 999))) == []
    assert ids(after(memories(1, 1_000), memories(2 + DAY, 1_200))) == []


@pytest.mark.parametrize(
    ("every", "shorter"), [(3_600.0, 1_800.0), (1_000.0, 900.0), (900.0, 0.0), (0.0, 0.0)]
)
def test_waiting_changes_have_maintenance_run_more_often_up_to_a_limit(every: float, shorter: float) -> None:
    report = after(*(waiting(at, 100, every) for at in range(IN_A_ROW)), apply=True)
    [found] = report.recommendations
    assert found.every == shorter
    assert (applicable(report, every) is not None) == bool(shorter)


def test_nothing_is_applied_unless_it_is_allowed() -> None:
    allowed, forbidden = (
        after(*(waiting(at, 100) for at in range(IN_A_ROW)), apply=apply) for apply in (True, False)
    )
    assert applicable(allowed, 3_600) is not None
    assert applicable(forbidden, 3_600) is None


def test_after_a_revert_nothing_is_applied_for_a_day() -> None:
    change = MonitorChange(id="c", at=5, why="", before=3_600, after=1_800)
    before = after(*(waiting(at, 100) for at in range(IN_A_ROW))).model_copy(update={"changes": (change,)})
    kept = analyse(waiting(10, 100, every=1_800), before, apply=True)
    assert [each.reverted for each in kept.changes] == [0]
    reverted = analyse(waiting(10, 100), before, apply=True)
    assert [each.reverted for each in reverted.changes] == [10]
    assert applicable(reverted, 3_600) is None
    later = reverted
    for at in range(IN_A_ROW):
        later = analyse(waiting(11 + DAY + at, 100), later, apply=True)
    assert applicable(later, 3_600) is not None


def test_a_report_keeps_a_bounded_number_of_analyses() -> None:
    report = after(*(seen(at) for at in range(2 * KEPT)))
    assert [each.at for each in report.analyses] == list(range(KEPT, 2 * KEPT))
