"""Replaying histories: does the present code take the recorded decisions?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.common import HeaderCodecBehavior
from temporalio.converter import DataConverter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from holdfast_workers import own_workflows
from holdfast_workflows.checking import CheckedInputs
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput

from .stopping import StoppingRunner

_MESSAGE: Final = re.compile(r'message: "(\[TMPRL\d+\][^"]*)"')
"""What differs, in the SDK's text of a failed replay."""


@dataclass(frozen=True)
class Replayed:
    """What came of the replay of one history.

    Attributes:
        events: Events in the history.
        problem: How the present code decides differently; empty if it does not.
        event: The last event before the decisions that differ.
    """

    events: int
    problem: str = ""
    event: int = 0


def replayer(
    converter: DataConverter, workflows: Sequence[type] = (), runner: StoppingRunner | None = None
) -> Replayer:
    """Return a replayer of Holdfast's workflows and ``workflows``."""
    return Replayer(
        workflows=[*own_workflows.OWN_WORKFLOWS, *workflows],
        data_converter=converter,
        header_codec_behavior=HeaderCodecBehavior.CODEC,
        interceptors=[CheckedInputs()],
        unsandboxed_workflow_runner=runner or UnsandboxedWorkflowRunner(),
        # The sandbox would hide an App's own workflows from the debugger.
        workflow_runner=runner or SandboxedWorkflowRunner(),
        debug_mode=runner is not None,
    )


async def replayed(
    history: WorkflowHistory, converter: DataConverter, workflows: Sequence[type] = ()
) -> Replayed:
    """Replay a history and return what came of it."""
    runner = StoppingRunner()  # it never stops, but knows how far the code has come
    found = await replayer(converter, workflows, runner).replay_workflow(
        history, raise_on_replay_failure=False
    )
    failure = found.replay_failure
    if failure is None:
        return Replayed(len(history.events))
    text = " ".join(str(failure).split())
    core = _MESSAGE.search(text)
    problem = core[1] if core else f"{type(failure).__name__}: {text}"
    return Replayed(len(history.events), problem, runner.reached)


def event_of(history: WorkflowHistory, at: str, converter: DataConverter) -> int:
    """Return the event before the decisions at ``at``: the number of an event, or turn and step like 2.3; 0 if it has none.

    Raises:
        BadInput: ``at`` is neither.
    """
    turn, dot, step = at.partition(".")
    if not turn.isdecimal() or (dot and not step.isdecimal()):
        raise BadInput(f"--at {at!r} is neither an event like 17 nor a turn and step like 2.3")
    number = 0 if dot else int(turn)
    for event in history.events if dot else ():
        scheduled = event.activity_task_scheduled_event_attributes
        if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED or (
            scheduled.activity_type.name != names.THINK
        ):
            continue
        [given] = converter.payload_converter.from_payloads(scheduled.input.payloads)
        if (given.get("turn"), given.get("step")) == (int(turn), int(step)):
            number = event.event_id
            break
    started = [
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and event.event_id <= number
    ]
    return started[-1] if started else 0
