"""Shapes of runs that keep something in mind: memories, summaries, a plan; and a run of maintenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast import App, Memory
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session
from holdfast_workflows.contracts.names import maintenance_id

from ...support import Gate, eventually, make_app

AWAY = "weaviate://127.0.0.1:1"


def friendly(_: Gate) -> App:
    """An agent that remembers."""
    return make_app(memory=Memory())


def narrow(_: Gate) -> App:
    """An agent whose window is soon full."""
    return make_app(context_window=8_000)


def planning(_: Gate) -> App:
    """An agent with a plan and notes."""
    return make_app(working_memory=True)


async def remembered(holdfast: Environment, _: Gate) -> Session:
    await holdfast.client.memory.add("Ann moved to Lisbon.", scope="user:ann", id="home")
    session = await holdfast.client.start("helper", "Where did Ann move?", user="ann")
    await session.wait(raise_on_error=False)
    await session.send("Thank you.")
    await session.close()
    return session


async def memory_away(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hello.", user="ann")
    await session.wait(raise_on_error=False)
    await session.close()
    return session


async def compacted(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Read on.")
    await session.wait(raise_on_error=False)

    async def summed_up() -> bool:
        return any(event.kind == "compacted" for event in (await session.view(0)).events)

    await eventually(summed_up)
    await session.send("And now?")
    await session.close()
    return session


async def planned(holdfast: Environment, _: Gate) -> Session:
    return await holdfast.client.start_task("helper", "Plan it.")


async def maintenance(holdfast: Environment, _: Gate) -> Session:
    await holdfast.client.maintenance.run()
    return holdfast.client.session(f"{maintenance_id(holdfast.task_queue)}-by-hand")


def _says(request: Request) -> Reply:
    return say("To Lisbon.")


def _reads(request: Request) -> Reply:
    read = request.number <= 12 and b'"tools"' in request.body
    return call("blow", {"size": 300, "text": f"River {request.number}. "}) if read else say("Read.")


_PLAN = {"items": [{"text": "Ask", "status": "done"}, {"text": "Answer", "status": "doing"}]}

REMEMBERING: dict[str, tuple[Any, Any, Callable[[Gate], App]]] = {
    "remembered": (remembered, _says, friendly),
    "memory_away": (memory_away, _says, friendly),
    "compacted": (compacted, _reads, narrow),
    "planned": (
        planned,
        [call("update_plan", _PLAN), call("write_notes", {"text": "order 42"}), say("Planned.")],
        planning,
    ),
    "maintenance": (maintenance, [], make_app),
    "maintenance_known": (maintenance, [], make_app),
}
"""What drives each shape, what its model answers, and its app."""
