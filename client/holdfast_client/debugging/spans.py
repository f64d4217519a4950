"""The parts of a trace: sessions, turns, spans and findings."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage

SpanKind = Literal[
    "model", "tool", "child", "memory", "person", "paused", "wait", "lost", "retry", "queue", "other"
]
"""What the time went to.

``person``: waits for a person. ``wait``: waits on a timer, for a provider, a limit or a tool. ``lost``: a call whose
worker was lost. ``retry``: attempts that failed, and the time between them. ``queue``: waits for a free worker.
``other``: everything else, mostly decisions of the workflow and writes.
"""

ORDER: Final[tuple[SpanKind, ...]] = (
    "model",
    "tool",
    "child",
    "memory",
    "person",
    "lost",
    "retry",
    "wait",
    "queue",
    "paused",
)
"""Of spans at the same time, the first kind counts: work before waits."""

WORKFLOW_TASK: Final = "workflow task"
"""The name of a span in which the workflow could not decide, since no worker did its task."""


@public
@dataclass(frozen=True)
class Span:
    """A part of a turn.

    Attributes:
        kind: What the time went to.
        name: The model, the tool, the agent of a child session, or what is waited for.
        start: Seconds since 1970.
        end: Seconds since 1970; the time of the trace for what still runs.
        status: ``ok``, ``failed``, ``cancelled``, ``timed_out``, ``lost`` or ``open``.
        turn: Its turn; 0 for none.
        step: Its step; 0 for none.
        attempts: How often it was tried.
        worker: Who ran it, as in the Temporal UI.
        detail: The request, the error, or the reason of a wait.
    """

    kind: SpanKind
    name: str
    start: float
    end: float
    status: str = "ok"
    turn: int = 0
    step: int = 0
    attempts: int = 1
    worker: str = ""
    detail: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.end - self.start)


@public
@dataclass(frozen=True)
class TurnTrace:
    """Where the time of a turn went.

    Attributes:
        turn: The turn's number.
        status: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        start: When it began.
        end: When it ended; the time of the trace if it is running.
        queued: Seconds that its message waited before, for earlier turns or a worker.
        spans: Its parts, in the order of their starts.
        shares: Seconds by kind; together they are the turn's duration.
        usage: Its tokens and cost.
        error: Why it failed; empty for others.
        trace_id: The id of its trace at the backend, if the workers trace and have sampled it.
    """

    turn: int
    status: str
    start: float
    end: float
    queued: float = 0.0
    spans: tuple[Span, ...] = ()
    shares: tuple[tuple[SpanKind, float], ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: str = ""
    trace_id: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.end - self.start)


@public
@dataclass(frozen=True)
class Trace:
    """What happened in a session, and where the time went.

    Attributes:
        session: Its id.
        agent: Its agent.
        status: Its status; ``terminated`` if it was.
        at: When the trace was made.
        began: When the session began.
        turns: Its turns, in order.
        background: What ran outside the turns: memories, summaries, notifications.
        findings: What stands out, the most urgent first.
        runs: Runs that were read; a long session has several.
        events: Events that were read.
        notes: What could not be read, and why.
    """

    session: str
    agent: str
    status: str
    at: float
    began: float
    turns: tuple[TurnTrace, ...]
    background: tuple[Span, ...] = ()
    findings: tuple[str, ...] = ()
    runs: int = 0
    events: int = 0
    notes: tuple[str, ...] = ()


def shares(spans: Iterable[Span], start: float, end: float) -> tuple[tuple[SpanKind, float], ...]:
    """Divide the time from ``start`` to ``end`` among the kinds of the spans; at each moment the first kind counts."""
    changes: list[tuple[float, SpanKind, int]] = []
    for span in spans:
        began, ended = max(start, span.start), min(end, span.end)
        if began < ended:
            changes.append((began, span.kind, 1))
            changes.append((ended, span.kind, -1))
    active: Counter[SpanKind] = Counter()
    found: dict[SpanKind, float] = {}
    at = start
    changes.append((end, "other", 0))
    changes.sort(key=lambda change: change[0])
    for time, kind, change in changes:
        if time > at:
            first = _first(active)
            found[first] = found.get(first, 0.0) + time - at
            at = time
        active[kind] += change
    return tuple(sorted(found.items(), key=lambda item: -item[1]))


def _first(active: Counter[SpanKind]) -> SpanKind:
    for kind in ORDER:
        if active[kind]:
            return kind
    return "other"
