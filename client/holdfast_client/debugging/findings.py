"""What stands out in a trace: what stops the session now, then what took the time."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from holdfast_workflows.contracts.session.descriptions import duration
from holdfast_workflows.contracts.text.unicode import preview

from .json_values import number_of, object_of
from .records import Records, TaskFailure, seconds
from .spans import WORKFLOW_TASK, Span, SpanKind, TurnTrace

_SHARE: Final = 0.4
_SECONDS: Final = 1.0
"""A kind of span stands out from this share of a turn on, if it also took so long."""

_WAITED: Final = 2.0
"""Seconds without a worker that are worth a line."""

_REPLAY: Final = ("nondetermin", "non-determin", "tmprl1100")

_CAUSES: Final[dict[SpanKind, str]] = {
    "model": "model calls",
    "tool": "tools",
    "child": "child sessions",
    "memory": "memories",
    "person": "waits for people",
    "paused": "the pause",
    "wait": "waits",
    "lost": "lost workers",
    "retry": "failed attempts",
    "queue": "waits for a free worker",
    "other": "the workflow and its writes",
}


@dataclass(frozen=True)
class Now:
    """What the server says about the session now.

    Attributes:
        at: The time.
        task_attempts: Attempts of the workflow task that is pending; 0 without one.
        task_queue: The session's queue.
        task_since: When that task was scheduled, if no worker has it; 0 otherwise.
        unpolled: Queues that no worker polls.
    """

    at: float
    task_attempts: int = 0
    task_queue: str = ""
    task_since: float = 0.0
    unpolled: frozenset[str] = frozenset()

    @classmethod
    def of(cls, found: DescribeWorkflowExecutionResponse, at: float, polled: Mapping[str, bool]) -> Now:
        """Return what a description of the session's workflow says."""
        task = found.pending_workflow_task
        waits = task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
        return cls(
            at,
            task.attempt,
            found.execution_config.task_queue.name,
            seconds(task.scheduled_time) if waits else 0.0,
            frozenset(queue for queue, any_worker in polled.items() if not any_worker),
        )


def findings(
    session: str, records: Records, turns: Sequence[TurnTrace], spans: Sequence[Span], now: Now
) -> tuple[str, ...]:
    """Return what stands out, the most urgent first, as sentences."""
    last = turns[-1] if turns else None
    found = [
        *_failing_task(records, now),
        *_running(session, spans, now),
        *([f"turn {last.turn} {last.status}: {last.error}"] if last and last.error else []),
        *_ended(records, last),
        *_lost(spans),
        *_retried(spans),
        *_slow(turns),
        *_debugged(session, records, now),
    ]
    return tuple(dict.fromkeys(preview(each, 600) for each in found))


def _ended(records: Records, last: TurnTrace | None) -> Iterator[str]:
    """Why the session ended."""
    if records.status == "terminated":
        yield f"the session was terminated: {records.error}"
    elif records.error and not (last and last.error):
        yield f"the session failed: {records.error}"


def _debugged(session: str, records: Records, now: Now) -> Iterator[str]:
    """Debug mode, as the newest request has left it."""
    asked = [each.answer for each in records.requests if each.name == "debug" and each.answer]
    state = asked[-1] if asked else object_of(records.started_with.get("carry"))
    found = object_of(state.get("debug"))
    if not found:
        return
    left = number_of(found.get("until")) - now.at
    see = f"`holdfast debug {shlex.quote(session)}` prints what was recorded"
    if left > 0:
        by = f", turned on by {found['by']}" if found.get("by") else ""
        yield f"is in debug mode for {duration(left)}{by}; {see}"
    else:
        yield f"was in debug mode; {see}"


def _failing_task(records: Records, now: Now) -> Iterator[str]:
    open_failures = [each for each in records.failures if not each.recovered]
    if now.task_since and now.task_queue in now.unpolled:
        since = duration(now.at - now.task_since)
        yield f"no worker polls task queue {now.task_queue}; the session waits for one since {since}"
    elif not open_failures and now.task_attempts > 1:
        yield f"the workflow task was tried {now.task_attempts} times and has not ended; read the workers' log"
    if not open_failures:
        return
    failure = open_failures[-1]
    times = f", {now.task_attempts} attempts" if now.task_attempts > 1 else ""
    since = duration(now.at - open_failures[0].at)
    yield f"the workflow task fails since {since}{times}: {failure.what} (worker {failure.worker or 'unknown'}){_advice(failure)}"


def _advice(failure: TaskFailure) -> str:
    if not any(word in failure.what.lower() for word in _REPLAY):
        return ""
    return (
        ". The workers' build decides differently from the one that ran the session: "
        "deploy that one, and check the new one with `holdfast replay`"
    )


def _running(session: str, spans: Iterable[Span], now: Now) -> Iterator[str]:
    """What the session waits for now."""
    for span in spans:
        if span.status != "open":
            continue
        since = duration(now.at - span.start)
        if span.kind == "person":
            yield f"waits for a person since {since}: {span.name}. `holdfast show {shlex.quote(session)}` prints how to answer"
        elif span.kind == "paused":
            yield f"is paused since {since}: `holdfast resume {shlex.quote(session)}`"
        elif span.kind == "wait":
            yield f"waits since {since}: {span.name}"
        elif span.kind == "queue" and span.seconds >= _WAITED:
            queue = span.detail.rpartition(" ")[2]
            if span.name == WORKFLOW_TASK and queue in now.unpolled:
                continue  # it is the first finding
            none = "; no worker polls that queue" if queue in now.unpolled else ""
            yield f"{span.name} {span.detail} since {since}{none}"
        elif span.kind == "retry":
            yield f"{span.name} is tried again since {since}; {span.detail}"
        elif span.kind in {"tool", "model", "child"} and span.seconds >= _WAITED:
            yield f"{span.name} runs since {since}" + (f" on {span.worker}" if span.worker else "")


def _lost(spans: Iterable[Span]) -> Iterator[str]:
    lost = [span for span in spans if span.kind == "lost" and span.name != WORKFLOW_TASK]
    if lost:
        workers = ", ".join(dict.fromkeys(span.worker for span in lost))
        what = ", ".join(dict.fromkeys(span.name for span in lost))
        calls = "1 call was" if len(lost) == 1 else f"{len(lost)} calls were"
        took = duration(sum(span.seconds for span in lost))
        yield f"{calls} lost with the worker, which took {took} and was repeated: {what}; {workers}"


def _retried(spans: Iterable[Span]) -> Iterator[str]:
    for span in spans:
        if span.kind == "retry" and span.status != "open":
            yield f"turn {span.turn}: {span.name} took {span.attempts + 1} attempts; {duration(span.seconds)} went to {span.detail}"


def _slow(turns: Sequence[TurnTrace]) -> Iterator[str]:
    """The kinds that took most of a turn, with what took longest among them."""
    for turn in turns:
        for kind, took in turn.shares:
            if took < _SECONDS or took < _SHARE * turn.seconds:
                continue
            percent = f"{100 * took / turn.seconds:.0f} %"
            longest = max(
                (each for each in turn.spans if each.kind == kind),
                key=lambda each: each.seconds,
                default=None,
            )
            most = f"; the longest was {longest.name}, {duration(longest.seconds)}" if longest else ""
            yield f"turn {turn.turn}: {_CAUSES[kind]} took {duration(took)} ({percent}){most}"
        if turn.queued >= _WAITED:
            yield f"turn {turn.turn}: its message waited {duration(turn.queued)} for the turn to begin"
