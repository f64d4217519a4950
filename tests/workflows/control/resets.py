"""What the tests of resets share: an agent that pays and mails, its model's script, and the reset itself."""

from __future__ import annotations

import json
import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.limits import SEQ_GAP

from ...support import eventually
from ..conftest import Running

COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
DONE: list[str] = []
"""What the tools did to the world, in order."""


@tool(effect="once")
async def pay(what: str) -> str:
    """Pay for something.

    Args:
        what: For what.
    """
    DONE.append(f"paid {what}")
    return f"{what}: paid {'x' * 300} to the end"


@tool(effect="idempotent")
async def mail(what: str, ctx: ToolContext) -> str:
    """Send a mail.

    Args:
        what: About what.
    """
    DONE.append(f"mailed {what} {ctx.key.removeprefix(ctx.session)}")
    return f"{what}: mailed"


@tool
async def read(what: str) -> str:
    """Read something.

    Args:
        what: What.
    """
    DONE.append(f"read {what}")
    return f"{what}: read {DONE.count(f'read {what}')} times"


APP = App(agents=[Agent("clerk", model="openai:scripted", tools=[pay, mail, read])])


def script(request: Request) -> Reply:
    """Do what the last message says as JSON, a step for each list of calls; else repeat its words."""
    texts = [(i, m) for i, m in enumerate(request.messages) if m.get("role") == "user"]
    at, message = texts[-1]
    text = str(message["content"])
    if not text.startswith("["):
        return say(f"You said: {text}")
    steps: list[list[tuple[str, dict[str, Any]]]] = json.loads(text)
    taken = sum(m.get("role") == "assistant" for m in request.messages[at:])
    if taken == len(steps):
        return say("All done.")
    first, *others = [call(name, arguments) for name, arguments in steps[taken]]
    for other in others:
        first += other
    return first


def plan(*steps: list[tuple[str, str]]) -> str:
    """A message that asks for calls."""
    return json.dumps([[(name, {"what": what}) for name, what in step] for step in steps])


async def events(it: Running, session: str, run: str | None = None) -> list[HistoryEvent]:
    """A run's history."""
    handle = it.holdfast.temporal.get_workflow_handle(session, run_id=run)
    return [event async for event in handle.fetch_history_events()]


def sent(event: HistoryEvent) -> bool:
    """Whether the event is a message that was accepted."""
    accepted = event.workflow_execution_update_accepted_event_attributes
    return accepted.accepted_request.input.name == "send"


def before_message(history: list[HistoryEvent], number: int) -> int:
    """The event to reset to so that the run has no message from that one on."""
    accepted = [event.event_id for event in history if sent(event)][number - 1]
    tasks = [event.event_id for event in history if event.event_type == COMPLETED]
    # The task that takes the message is completed before the message's event.
    return [task for task in tasks if task < accepted][-2]


async def reset(it: Running, session: str, event: int, *, run: str = "", reapply: bool = False) -> None:
    """Reset a session as ``temporal workflow reset --event-id`` does."""
    signal = ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL
    update = ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE
    await it.holdfast.temporal.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=it.holdfast.temporal.namespace,
            workflow_execution=WorkflowExecution(workflow_id=session, run_id=run),
            reason="a test",
            workflow_task_finish_event_id=event,
            request_id=uuid.uuid4().hex,
            reset_reapply_exclude_types=[] if reapply else [signal, update],
        )
    )


async def followed(it: Running, session: str, resets: int) -> None:
    """Wait until the session has set aside the log of that many resets.

    A message in the same workflow task as the reset counts as one that is applied again: it may get the
    number of a turn that was set aside.
    """

    async def moved() -> bool:
        return (await it.holdfast.client.session(session).view()).seq > resets * SEQ_GAP

    await eventually(moved)


async def texts(it: Running, log: str) -> list[str]:
    """What a log holds, as short texts."""
    return [f"{entry.kind}: {entry.text}" for entry in await it.holdfast.state.log.read(log, 0) if entry.text]
