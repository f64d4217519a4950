"""Recorded runs, decided again by today's code. How to record: ``histories/record.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType

from holdfast.testing import load_history, replay
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.session import AgentWorkflow
from holdfast_workflows.session.background.settle import SettleQueue
from holdfast_workflows.teams.fleet.items import Items

from .histories.record import FOLDER, SHAPES

FILES = sorted(FOLDER.glob("*.json"))
CANCEL_ASKED = EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED
FAILED = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
ROLLED_OVER = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW

TELLING = {
    "cancel_mid_tool": CANCEL_ASKED,
    "inline_pause": CANCEL_ASKED,
    "interrupt": CANCEL_ASKED,
    "failed_turn": FAILED,
    "roll_over-1": ROLLED_OVER,
    "memory_away": FAILED,
}
"""The event without which a file would not show what its name says."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_a_recorded_history_is_decided_again_as_it_was(path: Path) -> None:
    await replay(load_history(path))


def test_every_shape_is_recorded() -> None:
    assert {path.stem.split("-")[0] for path in FILES} == set(SHAPES)


@pytest.mark.parametrize(("name", "event"), TELLING.items(), ids=str)
def test_a_history_shows_what_its_name_says(name: str, event: EventType.ValueType) -> None:
    assert event in [each.event_type for each in load_history(FOLDER / f"{name}.json").events]


@pytest.mark.parametrize(("name", "markers"), [("cancel_lost", 1), ("cancel_lost_before", 0)])
def test_the_patched_change_is_marked_in_one_history_of_two(name: str, markers: int) -> None:
    events = load_history(FOLDER / f"{name}.json").events
    patches = [each for each in events if each.marker_recorded_event_attributes.marker_name == "core_patch"]
    assert len(patches) == markers


def test_a_pause_lets_the_running_tool_end() -> None:
    events = load_history(FOLDER / "pause_resume.json").events
    assert CANCEL_ASKED not in [each.event_type for each in events]


def test_a_roll_over_in_the_middle_of_a_turn_is_recorded_with_all_its_runs() -> None:
    runs = [load_history(path).events for path in FILES if path.stem.startswith("roll_over-")]
    assert len(runs) > 1
    assert all(run[-1].event_type == ROLLED_OVER for run in runs[:-1])
    assert runs[-1][-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED


def test_no_history_names_the_machine_it_was_recorded_on() -> None:
    for path in FILES:
        assert str(Path(__file__).parents[2]) not in path.read_text("utf-8"), path.name


async def wait_first(self: AgentWorkflow) -> None:
    """A changed beginning: the session waits a moment before it loads its agent."""
    await workflow.sleep(1)
    await _LOAD(self)


def write_nothing(_: SettleQueue, __: object) -> None:
    """A changed end: what a turn came to is never written."""


_LOAD = AgentWorkflow._load


_OTHERS = {"maintenance", "maintenance_known", "fleet"}
"""Shapes of other workflows than the session's."""


@pytest.mark.parametrize(
    ("owner", "name", "change"),
    [(AgentWorkflow, "_load", wait_first), (SettleQueue, "_add", write_nothing)],
    ids=["waits first", "writes nothing"],
)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in _OTHERS])
async def test_a_changed_decision_is_caught(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, change: Callable[..., object], shape: str
) -> None:
    monkeypatch.setattr(owner, name, change)
    last = [path for path in FILES if path.stem.split("-")[0] == shape][-1]
    with pytest.raises(workflow.NondeterminismError):
        await replay(load_history(last))


@pytest.mark.parametrize(("name", "patched"), [("cancel_lost_before", True), ("cancel_lost", False)])
async def test_neither_branch_of_the_patched_change_can_be_removed(
    monkeypatch: pytest.MonkeyPatch, name: str, patched: bool
) -> None:
    def always(_: str) -> bool:
        return patched

    await replay(load_history(FOLDER / f"{name}.json"))
    monkeypatch.setattr(workflow, "patched", always)
    with pytest.raises(workflow.NondeterminismError):
        await replay(load_history(FOLDER / f"{name}.json"))


@pytest.mark.parametrize("shape", ["maintenance", "maintenance_known"])
async def test_a_task_of_maintenance_that_is_left_out_is_caught(
    monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    async def nothing(_: MaintenanceWorkflow, __: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(MaintenanceWorkflow, "_run_task", nothing)
    with pytest.raises(workflow.NondeterminismError):
        await replay(load_history(FOLDER / f"{shape}.json"))


async def test_a_fleet_that_starts_fewer_items_at_once_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def one(self: Items) -> int:
        return 1 - self.attached

    monkeypatch.setattr(Items, "free", one)
    with pytest.raises(workflow.NondeterminismError):
        await replay(load_history(FOLDER / "fleet-1.json"))
