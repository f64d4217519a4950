"""What the tests of budgets, last resorts and decisions share: agents with limits, and looking at a session."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from temporalio.client import WorkflowUpdateFailedError

from holdfast.testing import Environment
from holdfast_client import Session
from holdfast_workflows.contracts.agent.budget import RaiseBudget
from holdfast_workflows.contracts.control.inbox import Answer
from holdfast_workflows.contracts.errors import HoldfastError, from_failure
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.session import Event, SessionView

from ..support import eventually


async def update(holdfast: Environment, session: Session, name: str, arg: object) -> SessionView:
    """Send an update as any client of Temporal can.

    Raises:
        HoldfastError: The session refused it.
    """
    handle: Any = holdfast.temporal.get_workflow_handle(session.id)  # its overloads are partly untyped
    try:
        view: SessionView = await handle.execute_update(name, arg, result_type=SessionView)
    except WorkflowUpdateFailedError as error:
        raise from_failure(error) or error from error
    return view


async def raise_budget(holdfast: Environment, session: Session, **by: Any) -> SessionView:
    """Raise limits of a session."""
    return await update(holdfast, session, "raise_budget", RaiseBudget(**by))


async def decide(
    holdfast: Environment, session: Session, id: str, action: Any, text: str = ""
) -> SessionView:
    """Decide as Ann."""
    return await update(holdfast, session, "answer", Answer(id=id, action=action, text=text, by="Ann"))


async def status(session: Session, wanted: str) -> SessionView:
    """The session once it has that status."""

    found: list[SessionView] = []

    async def so() -> bool:
        found[:] = [await session.view()]
        return found[0].status == wanted

    await eventually(so)
    return found[0]  # not another look: a park may be over by then


async def events(session: Session, kind: str) -> list[Event]:
    """What was told of one kind."""
    return [event for event in (await session.view(0)).events if event.kind == kind]


async def logged(session: Session, count: int) -> list[Entry]:
    """The log once it holds so much: the last of a turn that was cancelled or failed is written after its end."""
    found: list[Entry] = []

    async def so() -> bool:
        found[:] = [entry async for entry in session.log()]
        return len(found) >= count

    await eventually(so)
    return found


async def refused(asked: Awaitable[object]) -> HoldfastError:
    """What an update was refused with."""
    try:
        await asked
    except HoldfastError as error:
        return error
    raise AssertionError("it was not refused")
