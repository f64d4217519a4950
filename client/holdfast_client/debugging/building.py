"""A trace from a session's records and turns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.problems import error_of
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import TurnView
from holdfast_workflows.contracts.session.trace_ids import parent_of, trace_of

from .activity_spans import activity_spans
from .json_values import number_of
from .records import Records
from .spans import WORKFLOW_TASK, Span, TurnTrace, shares
from .task_waits import NOTICED, TaskWait

_BACKGROUND: Final = frozenset({names.REMEMBER_TURN, names.COMPACT, names.NOTIFY})
_WAIT: Final = "waiting: "
_PERSON: Final = ("waits for a person: ", "waits for a ticket: ")


def spans_of(records: Records, now: float) -> list[Span]:
    """Return every span of the records, in the order of their starts."""
    found = [span for each in records.activities for span in activity_spans(each, now)]
    reasons = [each.reason for each in records.activities]
    for timer in records.timers:
        if timer.about.startswith(_WAIT):
            about = timer.about.removeprefix(_WAIT)
            reason = next((each for each in reasons if each.startswith(about.removesuffix("…"))), about)
            status = "ok" if timer.ended else "open"
            found.append(Span("wait", reason, timer.started, timer.ended or now, status))
    found += _statuses(records, now)
    found += [_waited(each, now) for each in records.task_waits if each.end or now - each.start >= NOTICED]
    return sorted(found, key=lambda span: (span.start, span.end))


def _waited(wait: TaskWait, now: float) -> Span:
    """Return the span of a workflow task that waited for a worker, or was lost with one."""
    span = Span("queue", WORKFLOW_TASK, wait.start, wait.end or now, "ok" if wait.end else "open")
    if wait.lost:
        return replace(
            span,
            kind="lost",
            status="lost",
            worker=wait.lost,
            detail=f"its worker did not answer: {wait.lost}",
        )
    took = f"until a worker of {wait.queue} took it" if wait.end else f"waits for a worker of {wait.queue}"
    return replace(span, detail=took)


def turns_of(
    session: str, records: Records, views: Sequence[TurnView], spans: Iterable[Span], now: float
) -> list[TurnTrace]:
    """Return the turns that the records have, with their spans."""
    known = {view.turn: view for view in views}
    spans = list(spans)
    parents = {each.turn: each.trace_parent for each in records.activities if each.trace_parent}
    numbers = sorted({span.turn for span in spans if span.turn} | set(records.settled) | set(known))
    times = {number: _times(number, records, known.get(number), spans, now) for number in numbers}
    accepted = _accepted(records)
    parts: dict[int, list[Span]] = {number: [] for number in numbers}
    starts = [times[number][0] for number in numbers]
    for span in spans:
        at = bisect_right(starts, span.start + 0.001) - 1
        number = span.turn or (numbers[at] if at >= 0 else 0)
        if number and (span.turn or span.start <= times[number][1]):
            parts[number].append(span)
    made = [
        _turn(number, times[number], known.get(number), records, parts[number], accepted.get(number))
        for number in numbers
    ]
    return [
        replace(each, trace_id=trace_of(session, each.turn, parent_of(parents.get(each.turn, ""))))
        for each in made
    ]


def _turn(
    number: int,
    times: tuple[float, float],
    view: TurnView | None,
    records: Records,
    parts: Sequence[Span],
    accepted: float | None,
) -> TurnTrace:
    start, end = times
    _, settled = records.settled.get(number, (0.0, ""))
    status = view.status if view else settled or "running"
    if records.ended and status in {"queued", "running"}:
        status = "cancelled"  # with the session
    ahead = [span for span in parts if span.name not in _BACKGROUND]
    return TurnTrace(
        turn=number,
        status=status,
        start=start,
        end=end,
        queued=max(0.0, start - accepted) if accepted else 0.0,
        spans=tuple(ahead),
        shares=shares(ahead, start, end),
        usage=view.usage if view else Usage(),
        error=str(error_of(view.error)) if view and view.error else "",
    )


def _times(
    number: int, records: Records, view: TurnView | None, spans: Sequence[Span], now: float
) -> tuple[float, float]:
    """When a turn began and ended."""
    own = [span for span in spans if span.turn == number and span.name not in _BACKGROUND]
    began = view.started if view and view.started else min((span.start for span in own), default=0.0)
    settled, _ = records.settled.get(number, (0.0, ""))
    last = max((span.end for span in own), default=began)
    ended = view.ended if view and view.ended else settled or (now if records.status == "" else last)
    began = began or settled or now
    return began, max(began, ended)


def _accepted(records: Records) -> dict[int, float]:
    """When the message of each turn arrived."""
    found: dict[int, float] = {}
    if records.started_with.get("message") and not records.started_with.get("carry"):
        found[1] = records.began
    for request in records.requests:
        if request.name == "send":
            found.setdefault(int(number_of(request.answer.get("turn"))), request.accepted)
    return found


def _statuses(records: Records, now: float) -> list[Span]:
    """Return the times in which the session waited for a person or was paused."""
    found: list[Span] = []
    ends = [*(at for at, _, _ in records.statuses[1:]), records.ended or now]
    for (at, status, kind), end in zip(records.statuses, ends, strict=False):
        # Repeated by a new run: one wait.
        if found and found[-1].end == at and (found[-1].kind, status) in _SAME:
            found[-1] = _until(found[-1], end, now)
        elif status == "needs_person":
            found.append(
                Span("person", _reason(records, at, end) or kind or "a person", at, end, _open(end, now))
            )
        elif status == "paused":
            found.append(Span("paused", "paused", at, end, _open(end, now)))
    return found


_SAME: Final = {("person", "needs_person"), ("paused", "paused")}


def _until(span: Span, end: float, now: float) -> Span:
    return Span(span.kind, span.name, span.start, end, _open(end, now))


def _open(end: float, now: float) -> str:
    return "open" if end >= now else "ok"


def _reason(records: Records, start: float, end: float) -> str:
    """What people were asked in that time, from the timers of deadlines and reminders."""
    asked: dict[str, None] = {}
    for timer in records.timers:
        for prefix in _PERSON:
            if timer.about.startswith(prefix) and timer.started <= end and (timer.ended or end) >= start:
                asked[timer.about.removeprefix(prefix)] = None
    return "; ".join(asked)
