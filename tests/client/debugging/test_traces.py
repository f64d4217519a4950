"""Traces of recorded histories, and of sessions that run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client as TemporalClient

from holdfast import Trace
from holdfast.testing import call, say, unauthorized
from holdfast.testing.replaying import load_history
from holdfast_client.debugging.building import spans_of
from holdfast_client.debugging.findings import Now
from holdfast_client.debugging.spans import Span, shares
from holdfast_client.debugging.tracing import build, records_of
from holdfast_temporal import data_converter
from holdfast_temporal.histories.fetching import Run
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.session.trace_ids import trace_of

from ...support import WAIT
from ...workflows.played import Played, playing
from ..command.test_command import holdfast, lines
from ..conftest import Running

HISTORIES: Final = Path(__file__).parents[2] / "workflows/histories"


def recorded(*names: str) -> Trace:
    """The trace of the recorded runs of one session, without what a worker would add."""
    runs: list[Run] = []
    for name in names:
        found = load_history(HISTORIES / f"{name}.json")
        runs.append(Run(found.workflow_id, name, tuple(found.events)))
    return traced(*runs)


def traced(*runs: Run) -> Trace:
    """The trace of the runs of one session."""
    records = records_of(list(runs), DescribeWorkflowExecutionResponse(), data_converter)
    return build("recorded", records, Now(at=(records.ended or records.events) + 1), ())


def kinds(spans: Sequence[Span]) -> list[tuple[str, str]]:
    return [(span.kind, span.name) for span in spans]


def test_a_lost_worker_is_named_with_the_time_it_took() -> None:
    trace = recorded("lost_workers")
    (turn,) = trace.turns
    lost = [span for span in turn.spans if span.kind == "lost"]
    assert [span.name for span in lost] == ["look"] * 4
    assert all(2.0 <= span.seconds < 2.5 for span in lost)
    assert "recorder" in lost[0].detail
    assert any("4 calls were lost" in finding and "look" in finding for finding in trace.findings)


def test_a_wait_for_a_provider_has_its_reason() -> None:
    trace = recorded("waiting")
    (turn,) = trace.turns
    (wait,) = [span for span in turn.spans if span.kind == "wait"]
    assert "open until" in wait.name, "the reason is whole, though the timer's summary is cut"
    assert dict(turn.shares)["wait"] > 0.9 * turn.seconds
    assert any("waits took 7.5 s (96 %)" in finding for finding in trace.findings)


def test_a_wait_for_a_person_spans_runs_and_says_what_was_asked() -> None:
    trace = recorded("approved-1", "approved-2", "approved-3")
    people = [span for turn in trace.turns for span in turn.spans if span.kind == "person"]
    assert "may pay(cents=100) run?" in people[0].name
    assert trace.runs == 3


def test_the_shares_of_a_turn_add_up_to_its_duration() -> None:
    for name in ("parallel", "lost_workers", "waiting", "pause_resume", "remembered", "compacted"):
        for turn in recorded(name).turns:
            assert abs(sum(took for _, took in turn.shares) - turn.seconds) < 0.001, name


def test_a_moment_counts_once_where_spans_overlap() -> None:
    spans = [Span("tool", "a", 0, 4), Span("person", "b", 1, 5), Span("tool", "c", 3, 6)]
    assert dict(shares(spans, 0, 10)) == {"tool": 6, "other": 4}


def test_inline_tools_have_spans_of_their_own() -> None:
    trace = recorded("inline_pause")
    (turn,) = trace.turns
    assert kinds(turn.spans)[:3] == [("model", "step 1"), ("tool", "peek"), ("model", "step 2")]


def test_every_recorded_run_can_be_traced() -> None:
    for path in sorted(HISTORIES.glob("*.json")):
        assert recorded(path.stem).runs == 1, path.stem


def task_events() -> Iterator[HistoryEvent]:
    """A workflow task that waits for a killed worker, then for another one, which is killed at it."""
    scheduled = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
    late, gone = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START, TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    for at, kind, timeout in (
        (100, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, None),
        (100, scheduled, None),
        (105, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, late),
        (105, scheduled, None),
        (108, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED, None),
        (118, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, gone),
        (118, scheduled, None),
        (118, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED, None),
        (119, EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, None),
        (120, scheduled, None),
    ):
        event = HistoryEvent(event_type=kind, event_time=Timestamp(seconds=at))
        if kind == scheduled:
            event.workflow_task_scheduled_event_attributes.task_queue.normal_name = "helpers"
        elif kind == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            event.workflow_task_started_event_attributes.identity = "1@host"
        elif timeout:
            event.workflow_task_timed_out_event_attributes.timeout_type = timeout
        yield event


def test_a_workflow_task_without_a_worker_is_a_wait_and_one_with_a_dead_worker_is_lost() -> None:
    run = Run("s", "only", tuple(task_events()))
    records = records_of([run], DescribeWorkflowExecutionResponse(), data_converter)
    spans = [(span.kind, span.start, span.end, span.detail) for span in spans_of(records, 125)]
    assert spans == [
        ("queue", 100, 108, "until a worker of helpers took it"),
        ("lost", 108, 118, "its worker did not answer: 1@host"),
        ("queue", 120, 125, "waits for a worker of helpers"),
    ]


async def test_a_turn_that_an_activity_has_settled_is_traced(client: TemporalClient, task_queue: str) -> None:
    gate = asyncio.Event()  # the local attempt is given up, as with a slow state database
    played = Played(gates={names.SETTLE_TURN: gate})
    async with playing(client, task_queue, played) as holdfast, asyncio.timeout(WAIT):
        session = await holdfast.start("a", "Hi")
        await session.wait()
        gate.set()
        await session.close()
        await session.result()
        history = await client.get_workflow_handle(session.id).fetch_history()
    trace = traced(Run(session.id, "only", tuple(history.events)))
    (turn,) = trace.turns
    assert (turn.turn, turn.status) == (1, "done")
    assert names.SETTLE_TURN in {span.name for span in turn.spans}


async def test_trace_prints_the_calls_of_a_turn_and_why_it_failed(running: Running) -> None:
    script = [call("look", {"at": "it"}), say("Seen."), *[unauthorized()] * 3]
    async with running(script) as environment:
        session = await environment.client.start("helper", "Look.")
        await session.wait()
        await session.send("Again.", wait=False)
        await session.wait(raise_on_error=False)
        code, out, _ = await holdfast(environment, "trace", session.id)
        assert code == 0
        assert "turn 1 · done" in out
        assert "look · at=it" in out
        assert "turn 2 · failed" in out
        assert "! turn 2 failed: " in out
        assert "check the API key" in out
        traced = [trace_of(session.id, turn, None) for turn in (1, 2)]
        assert [line.split()[1] for line in out.splitlines() if line.startswith("  trace ")] == traced
        code, _, err = await holdfast(environment, "trace", session.id, "--turn", "9")
        assert (code, "has no turn 9" in err) == (2, True)
        _, out, _ = await holdfast(environment, "trace", session.id, "--json", "--turn", "1")
        found = lines(out)
        assert [each["record"] for each in found if each["record"] != "span"] == ["trace", "turn"]
        assert {each["kind"] for each in found if each["record"] == "span"} >= {"model", "tool"}


async def test_trace_works_without_a_worker_and_says_that_none_polls(running: Running) -> None:
    async with running([], worker=False) as environment:
        id = f"s-{environment.task_queue}"
        await environment.temporal.start_workflow(
            names.WORKFLOW, StartInput(agent="helper"), id=id, task_queue=environment.task_queue
        )
        code, out, _ = await holdfast(environment, "trace", id)
    assert code == 0
    assert f"! no worker polls task queue {environment.task_queue}" in out


async def test_show_and_trace_link_to_the_trace_if_its_address_is_known(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_TRACE_URL", "https://traces.example/{trace_id}?live")
    async with running([say("One."), say("Two.")]) as environment:
        session = await environment.client.start("helper", "Hi!")
        await session.wait()
        await session.send("Again.")
        shown, printed = [(await holdfast(environment, name, session.id))[1] for name in ("show", "trace")]
    first, second = [f"https://traces.example/{trace_of(session.id, turn, None)}?live" for turn in (1, 2)]
    assert f"trace of turn 2: {second}" in shown
    assert [first in printed, second in printed, first in shown] == [True, True, False]
