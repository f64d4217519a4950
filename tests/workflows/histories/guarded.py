"""Shapes of runs in which something stands in the way: budgets, breakers, models that are down, effects nobody knows."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from temporalio import workflow
from temporalio.client import WorkflowFailureError

from holdfast import Agent, App, tool
from holdfast.testing import Environment, Reply, Request, call, failed, rate_limited, say
from holdfast_client import Session
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.fallbacks import AskHuman, ErrorReply
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.operations.breakers import BreakerView

from ...support import Gate, eventually, look, make_app
from ..limited import decide, raise_budget, status

_ONCE = RetryPolicy(attempts=1)
_SILENCE = 2.0
_STUNNED = _SILENCE + 1

HELD = Path(tempfile.gettempdir()) / "holdfast-recorded.db"
"""The state database of the shape whose database is held by another for a while."""


def asking(_: Gate) -> App:
    """An agent whose budget is raised when it is used up."""
    return make_app(budget=Budget(steps=1, when_spent="ask"))


def finishing(_: Gate) -> App:
    """An agent that answers with what it has when its budget is used up."""
    return make_app(budget=Budget(steps=3, tool_calls=1))


def resorting(_: Gate) -> App:
    """An agent that asks a person, and in the end says sorry."""
    return make_app(model_retry=_ONCE, fallbacks=[AskHuman(), ErrorReply()])


def stunned(_: Gate) -> App:
    """An agent whose tool gives no sign of life, four times."""
    calls: list[str] = []

    @tool(name="look")
    async def stare(at: str) -> str:
        """Look at something.

        Args:
            at: What to look at.
        """
        calls.append(at)
        if len(calls) <= 4:
            time.sleep(_STUNNED)  # noqa: ASYNC251  # what is recorded is a worker whose loop stands still
            await asyncio.Event().wait()  # until it hears that the call is another's
        return f"{at} is there"

    return App(agents=[Agent("helper", model="openai:scripted", tools=[stare])])


def silent(gate: Gate) -> App:
    """An agent whose tool is at it when its worker gives no sign of life any more."""

    @tool
    async def hold() -> str:
        """Wait."""
        gate.entered.set()
        await asyncio.sleep(0.2)  # the session hears of the cancel first
        time.sleep(_STUNNED)  # noqa: ASYNC251  # what is recorded is a worker whose loop stands still
        return "held"

    return App(agents=[Agent("helper", model="openai:scripted", tools=[hold])])


def booking(gate: Gate) -> App:
    """An agent whose calls are undone, or nobody knows of."""

    @tool
    async def unbook(what: str) -> str:
        """Take a booking back.

        Args:
            what: What was booked.
        """
        return f"{what}: free again"

    @tool(effect="idempotent", undo=unbook)
    async def book(what: str) -> str:
        """Book something.

        Args:
            what: What to book.
        """
        return f"{what}: booked"

    @tool(effect="once", timeout=0.2)
    async def post(what: str) -> str:
        """Post something, and never say so.

        Args:
            what: What to post.
        """
        await asyncio.Event().wait()
        return what

    @tool
    async def hold() -> str:
        """Wait at the gate."""
        gate.entered.set()
        await gate.opened.wait()
        return "passed"

    tools: list[Any] = [book, post, hold, look]
    return App(agents=[Agent("helper", model="openai:scripted", instructions="Help.", tools=tools)])


async def budget_raised(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Look.")
    await status(session, "needs_person")
    await raise_budget(holdfast, session, steps=5)
    return session


async def budget_finish(holdfast: Environment, _: Gate) -> Session:
    return await holdfast.client.start_task("helper", "Look often.")


async def ask_human(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hello.")
    await status(session, "needs_person")
    await decide(holdfast, session, "ask_human-1", "confirm", "Hello from Ann.")
    await session.wait(raise_on_error=False)
    await session.send("And now?", wait=False)
    await status(session, "needs_person")
    await decide(holdfast, session, "ask_human-2", "give_up")
    await session.wait(2, raise_on_error=False)
    await session.close()
    return session


async def ask_human_held(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Hello.")
    await status(session, "needs_person")
    other = sqlite3.connect(HELD, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        await decide(holdfast, session, "ask_human-1", "confirm", "Hello from Ann.")
        await status(session, "waiting")
    finally:
        other.close()
    return session


async def waiting(holdfast: Environment, _: Gate) -> Session:
    view = BreakerView(name="provider:openai", state="open", until=time.time() + 2, manual=True)
    await holdfast.state.breakers.set(view)
    return await holdfast.client.start_task("helper", "Hello.")


async def effect_decided(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Post it.")
    view = await status(session, "needs_person")
    await decide(holdfast, session, view.inbox[0].id, "confirm", "posted by hand")
    return session


async def inline_stopped(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Peek.")
    handle = holdfast.temporal.get_workflow_handle(session.id)

    async def waits() -> bool:
        pending = (await handle.describe()).raw_description.pending_activities
        return any(each.HasField("last_failure") for each in pending)

    await eventually(waits)
    await session.steer("Now.")
    return session


async def lost_workers(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Go", heartbeat_timeout=_SILENCE)
    await session.wait(raise_on_error=False)
    await session.close()
    return session


async def cancel_lost(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hold.", heartbeat_timeout=_SILENCE)
    await gate.arrived()
    await session.cancel("enough")
    await session.send("And now?")
    await session.close()
    return session


async def cancel_lost_before(holdfast: Environment, gate: Gate) -> Session:
    """Drive ``cancel_lost`` with the code before the change ``cancelled-before-begun``."""
    with patch.object(workflow, "patched", return_value=False):
        session = await holdfast.client.start("helper", "Hold.", heartbeat_timeout=_SILENCE)
        await gate.arrived()
        # The overloads of `execute_update` are partly untyped.
        handle: Any = holdfast.temporal.get_workflow_handle(session.id)
        await handle.execute_update("cancel_turn", "enough")
        with suppress(WorkflowFailureError):
            await handle.result()
    return session


async def effect_paused(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Post it.")
    id = (await status(session, "needs_person")).inbox[0].id
    await session.pause()
    await decide(holdfast, session, id, "retry")
    await session.resume()
    await status(session, "needs_person")
    await decide(holdfast, session, id, "confirm", "posted by hand")
    return session


async def undone(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start("helper", "Book both, then hold.")
    await gate.arrived()
    await session.cancel("enough")
    await session.close()
    return session


async def loop(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Look.")
    await session.wait(raise_on_error=False)
    await session.close()
    return session


def _looks_on(request: Request) -> Reply:
    return call("look", {"at": f"left {request.number}"}) + call("look", {"at": f"right {request.number}"})


def _down(_: Request) -> Reply:
    return failed(503, "Overloaded.")


def _limits(request: Request) -> Reply:
    if request.number == 2:
        return rate_limited(3)
    return say("Done.") if request.results else call("peek", {"at": "it"})


def _stares(_: Request) -> Reply:
    return call("look", {"at": "it"})


_BOTH = [call("book", {"what": "a room"}), call("book", {"what": "a car"}), call("hold", {})]

GUARDED: dict[str, tuple[Any, Any, Callable[[Gate], App]]] = {
    "budget_raised": (budget_raised, [call("look", {"at": "it"}), say("Done.")], asking),
    "budget_finish": (budget_finish, _looks_on, finishing),
    "ask_human": (ask_human, _down, resorting),
    "ask_human_held": (ask_human_held, _down, resorting),
    "waiting": (waiting, [say("Here.")], make_app),
    "effect_decided": (
        effect_decided,
        [call("post", {"what": "it"}) + call("look", {"at": "it"}), say("Done.")],
        booking,
    ),
    "inline_stopped": (inline_stopped, _limits, make_app),
    "effect_paused": (effect_paused, [call("post", {"what": "it"}), say("Done.")], booking),
    "lost_workers": (lost_workers, [call("look", {"at": "it"}), say("Done.")], stunned),
    "cancel_lost": (cancel_lost, [call("hold", {}), say("Nothing.")], silent),
    "cancel_lost_before": (cancel_lost_before, [call("hold", {})], silent),
    "undone": (undone, _BOTH, booking),
    "loop": (loop, _stares, make_app),
}
"""What drives each shape, what its model answers, and its app."""
