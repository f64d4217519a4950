"""The analysis of an observation: which values are out of bounds, for how long, and what helps.

It depends on its arguments only, so a replay finds the same.
"""

from collections.abc import Iterator, Sequence

from holdfast_workflows.contracts.operations.monitor import (
    MonitorAnalysis,
    MonitorChange,
    MonitorReport,
    Observation,
    Recommendation,
)

KEPT = 15
"""Analyses that a report keeps; older ones are in the results of earlier runs."""

KEPT_CHANGES = 20

IN_A_ROW = 3
"""Analyses in a row in which a value must be out of bounds, so that a peak is not taken for a state."""

FULL_MEMORY = 0.85
LATE = 10.0
"""Seconds that the oldest task of a queue may wait."""

FAILING, FEWEST_TASKS = 0.5, 10
"""The share of failed activities of a worker, and the least number of them that counts."""

FULL_CONTEXT, CONTEXT_TARGET, FEWEST_PROMPTS = 0.75, 0.7, 20
GROWTH, FEWEST_MEMORIES = 1.2, 1_000
MOST_WAITING = 100
"""Memory changes that may wait for the store."""

DAY = 86_400.0
SHORTEST = 900.0
"""Seconds: the monitor does not have maintenance run more often."""


def analyse(seen: Observation, before: MonitorReport, *, apply: bool) -> MonitorReport:
    """Return the report on an observation, without the changes that are still to be made."""
    now = MonitorAnalysis(at=seen.at, values=dict(_values(seen)))
    analyses = (*before.analyses, now)[-KEPT:]
    baseline = before.baseline
    if not baseline.at or seen.at - baseline.at > DAY:
        baseline = now
    since = {each.id: each.since for each in before.recommendations}
    found = [
        each.model_copy(update={"since": since.get(each.id, seen.at)})
        for each in (
            *_workers(seen, analyses),
            *_queues(seen, analyses),
            *_contexts(seen),
            *_memories(seen, analyses, baseline),
        )
    ]
    changes = tuple(_checked(change, seen) for change in before.changes[-KEPT_CHANGES:])
    return MonitorReport(
        at=seen.at,
        apply=apply,
        recommendations=tuple(found),
        changes=changes,
        analyses=analyses,
        baseline=baseline,
        errors=seen.errors,
    )


def applicable(report: MonitorReport, every: float) -> Recommendation | None:
    """Return the recommendation to apply now, if the monitor may and can; a reverted one is left for a day."""
    recent = [change for change in report.changes if report.at - max(change.at, change.reverted) < DAY]
    if not report.apply or any(change.reverted for change in recent):
        return None
    return next((each for each in report.recommendations if 0 < each.every < every), None)


def _values(seen: Observation) -> Iterator[tuple[str, float]]:
    for figure in seen.figures:
        if figure.name == "holdfast_queue_backlog_age_seconds":
            yield f"late:{figure.labels['queue']}:{figure.labels['kind']}", round(figure.value, 1)
        elif figure.name in ("holdfast_memories", "holdfast_outbox_changes"):
            yield figure.name.removeprefix("holdfast_"), figure.value
    for worker in seen.workers:
        yield f"memory:{worker.identity}", round(worker.memory, 3)
        share = worker.failed / worker.processed if worker.processed >= FEWEST_TASKS else 0.0
        yield f"failing:{worker.identity}", round(share, 3)
        yield f"silent:{worker.identity}", float(worker.silent)
    for each in seen.prompts:
        yield f"context:{each.agent}", round(each.share, 3)


def _lasts(analyses: Sequence[MonitorAnalysis], name: str, limit: float) -> bool:
    last = analyses[-IN_A_ROW:]
    return len(last) == IN_A_ROW and all(each.values.get(name, 0.0) >= limit for each in last)


def _workers(seen: Observation, analyses: Sequence[MonitorAnalysis]) -> Iterator[Recommendation]:
    for worker in seen.workers:
        if _lasts(analyses, f"memory:{worker.identity}", FULL_MEMORY):
            why = f"its machine's memory is {worker.memory:.0%} full"
        elif _lasts(analyses, f"failing:{worker.identity}", FAILING):
            why = f"{worker.failed:,} of its last {worker.processed:,} activities failed"
        elif _lasts(analyses, f"silent:{worker.identity}", 1.0):
            why = "its heartbeats are overdue, although it has not stopped"
        else:
            continue
        action = "restart it: SIGTERM lets its calls finish, and its sessions go on with other workers"
        yield _made("worker_restart", worker.identity, why, action)


def _queues(seen: Observation, analyses: Sequence[MonitorAnalysis]) -> Iterator[Recommendation]:
    pollers = {
        (figure.labels["queue"], figure.labels["kind"]): figure.value
        for figure in seen.figures
        if figure.name == "holdfast_queue_pollers"
    }
    idle = sorted(
        queue
        for queue, kind in pollers
        if kind == "activity"
        and pollers[queue, kind] > 1
        and not analyses[-1].values.get(f"late:{queue}:activity")
    )
    for queue, kind in sorted(pollers):
        if not _lasts(analyses, f"late:{queue}:{kind}", LATE):
            continue
        age = analyses[-1].values[f"late:{queue}:{kind}"]
        why = f"its oldest {kind} task waits for {age:.0f} s, with {pollers[queue, kind]:.0f} workers"
        others = [each for each in idle if each != queue]
        if not pollers[queue, kind]:
            action = "start a worker for it: no worker serves it"
        elif others:
            action = f"let a worker of {others[0]}, where nothing waits, serve it, or add one"
        else:
            action = "add workers for it"
        yield _made("load_rebalancing", f"{queue} {kind}", why, action)


def _contexts(seen: Observation) -> Iterator[Recommendation]:
    for each in seen.prompts:
        if each.prompts >= FEWEST_PROMPTS and each.share >= FULL_CONTEXT:
            target = round(CONTEXT_TARGET * each.context_window)
            why = f"95 % of its last {each.prompts} prompts use up to {each.share:.0%} of the context window"
            action = f"set Agent(context_window={target}), so that conversations are summarised earlier"
            yield _made("context_target", each.agent, why, action)


def _memories(
    seen: Observation, analyses: Sequence[MonitorAnalysis], baseline: MonitorAnalysis
) -> Iterator[Recommendation]:
    now, before = analyses[-1].values.get("memories", 0.0), baseline.values.get("memories", 0.0)
    waiting = analyses[-1].values.get("outbox_changes", 0.0)
    if _lasts(analyses, "outbox_changes", MOST_WAITING):
        why = f"{waiting:,.0f} changes wait for the memory store"
    elif now >= FEWEST_MEMORIES and before and now >= GROWTH * before:
        why = f"the store has grown from {before:,.0f} to {now:,.0f} memories within a day"
    else:
        return
    every = seen.maintenance_every
    if not every:
        yield _made(
            "memory_cleanup", "memory", why, "schedule maintenance: holdfast maintain schedule --every 1h"
        )
        return
    shorter = max(SHORTEST, every / 2)
    if shorter >= every:
        yield _made("memory_cleanup", "memory", why, "see which memories are kept: holdfast memory stats")
        return
    action = f"run maintenance every {shorter / 60:.0f} minutes: holdfast maintain schedule --every {shorter / 60:.0f}m"
    yield _made("memory_cleanup", "memory", why, action).model_copy(update={"every": shorter})


def _made(kind: str, subject: str, why: str, action: str) -> Recommendation:
    return Recommendation.model_validate(
        {"id": f"{kind}:{subject}", "kind": kind, "subject": subject, "why": why, "action": action}
    )


def _checked(change: MonitorChange, seen: Observation) -> MonitorChange:
    """Note that a change was reverted, by ``holdfast monitor revert`` or by another change of the interval."""
    gone = not change.reverted and abs(seen.maintenance_every - change.after) >= 1
    return change.model_copy(update={"reverted": seen.at}) if gone else change
