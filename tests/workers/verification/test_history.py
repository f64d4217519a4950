"""What recorded histories say that the state database has."""

import json
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from holdfast_activities.state.verification.expected import ExpectedSession
from holdfast_temporal import data_converter
from holdfast_temporal.histories.fetching import Run
from holdfast_workers.verification.history import expected
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, UserEntry

RECORDED = Path(__file__).parents[2] / "workflows/histories"
CONVERTER = data_converter.payload_converter


def read(*names: str) -> ExpectedSession:
    """The runs of these files, the oldest first."""
    histories = [WorkflowHistory.from_json("s", (RECORDED / name).read_text()) for name in names]
    runs = [Run("s", each.run_id, tuple(each.events)) for each in reversed(histories)]
    return expected("s", runs, CONVERTER)


def test_every_entry_of_a_turn_with_calls_is_expected() -> None:
    found = read("parallel.json")
    kinds = {seq: type(each.entry) for seq, each in sorted(found.entries.items())}
    assert kinds == {1: UserEntry, 2: ReplyEntry, 3: ResultEntry, 4: ResultEntry, 5: ReplyEntry}
    assert all(each.whole for each in found.entries.values())
    reply = found.entries[2].entry
    assert isinstance(reply, ReplyEntry)
    assert [call.arguments for call in reply.calls] == ['{"at": "left"}', '{"at": "right"}']
    assert (found.version, found.ended, found.status, found.agent) == (1, {1: "done"}, "closed", "helper")


def test_a_session_that_continued_as_new_is_read_over_its_runs() -> None:
    found, last = read("roll_over-1.json", "roll_over-2.json"), read("roll_over-2.json")
    assert found.complete
    assert not last.complete
    assert set(last.entries) < set(found.entries)
    assert (last.version, last.ended) == (found.version, found.ended)


def test_a_settled_effect_is_expected_in_the_ledger() -> None:
    found = read("undone.json")
    assert found.effects
    assert all(key.startswith(each.session) for key, each in found.effects.items())


def test_the_calls_of_a_fork_are_not_expected_in_the_ledger() -> None:
    found = read("forked.json")
    assert [each.entry.status for each in found.entries.values() if each.entry.kind == "result"] == ["ok"]
    assert not found.effects


def test_calls_after_a_reset_are_not_expected_under_their_own_keys() -> None:
    history = WorkflowHistory.from_json("s", (RECORDED / "undone.json").read_text())
    for event in history.events:
        payloads = event.activity_task_scheduled_event_attributes.input.payloads
        if payloads and b'"call_id"' in payloads[0].data:
            payloads[0].data = json.dumps(json.loads(payloads[0].data) | {"resets": 1}).encode()
    assert not expected("s", [Run("s", "r", tuple(history.events))], CONVERTER).effects


def test_a_call_that_was_open_at_a_reset_is_not_expected_in_the_log() -> None:
    events = list(WorkflowHistory.from_json("s", (RECORDED / "plain.json").read_text()).events)
    reset = HistoryEvent(event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
    cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
    reset.workflow_task_failed_event_attributes.cause = cause
    done = [each.event_type for each in events].index(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
    found = expected("s", [Run("s", "r", (*events[:done], reset, *events[done:]))], CONVERTER)
    assert sorted(read("plain.json").entries) == [1, 2, 3, 4]
    assert sorted(found.entries) == [3, 4]


def test_a_start_that_is_not_json_is_read_as_one_without_input() -> None:
    history = WorkflowHistory.from_json("s", (RECORDED / "plain.json").read_text())
    given = history.events[0].workflow_execution_started_event_attributes.input.payloads
    given[0].CopyFrom(Payload(metadata={"encoding": b"binary/plain"}, data=b"x"))
    assert expected("s", [Run("s", "r", tuple(history.events))], CONVERTER).entries


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_history_can_be_read(path: Path) -> None:
    found = read(path.name)
    assert all(seq == each.entry.seq for seq, each in found.entries.items())
