"""Streams of tasks: the order of updates, the text, and coming back."""

from __future__ import annotations

import asyncio

import pytest
from a2a.client import Client
from a2a.types import StreamResponse, SubscribeToTaskRequest, TaskState
from a2a.utils.errors import TaskNotFoundError, UnsupportedOperationError

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_temporal import DevServer

from .support import BOUND, DONE, message, request, send, serving, stream

BINDINGS = pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
LONG = "word " * 200


def script(request: Request) -> Reply:
    body = request.body.decode()
    if "Look it up" in body and "found" not in body:
        return call("look", {})
    return say(LONG)


def app(gate: asyncio.Event) -> App:
    @tool
    async def look(ctx: ToolContext) -> str:
        """Look it up."""
        await gate.wait()
        return "found"

    return App(agents=[Agent("helper", model="openai:scripted", tools=[look])])


def told(updates: list[StreamResponse]) -> str:
    """The artifact after all its updates, as the protocol has clients add them up."""
    text = ""
    for each in updates:
        if each.HasField("artifact_update"):
            piece = "".join(part.text for part in each.artifact_update.artifact.parts)
            text = text + piece if each.artifact_update.append else piece
    return text


@BINDINGS
async def test_a_stream_begins_with_the_task_and_ends_with_its_last_state(
    server: DevServer, binding: str
) -> None:
    opened = asyncio.Event()
    opened.set()
    made = serving(server, app(opened), script)
    async with made as it, it.client(binding=binding, streaming=True) as client:
        updates = await stream(client, message("Look it up"))
    assert updates[0].HasField("task")
    assert updates[-1].status_update.status.state == DONE
    pieces = [each.artifact_update for each in updates if each.HasField("artifact_update")]
    assert told(updates) == LONG
    assert [each.last_chunk for each in pieces] == [False] * (len(pieces) - 1) + [True]
    assert "look" not in "".join(map(str, updates))  # what an agent uses is its own matter


async def followed(client: Client, id: str, began: asyncio.Event) -> list[StreamResponse]:
    updates: list[StreamResponse] = []
    async with asyncio.timeout(BOUND):
        async for each in client.subscribe(SubscribeToTaskRequest(id=id)):
            updates.append(each)
            began.set()
    return updates


async def test_several_clients_follow_a_task_and_see_the_same(server: DevServer) -> None:
    gate = asyncio.Event()
    async with serving(server, app(gate), script) as it, it.client(streaming=True) as client:
        async with it.client() as sender:
            task = await send(sender, message("Look it up"), at_once=True)
        began = [asyncio.Event(), asyncio.Event(), asyncio.Event()]
        first, second, leaving = [asyncio.create_task(followed(client, task.id, each)) for each in began]
        async with asyncio.timeout(BOUND):
            for each in began:
                await each.wait()
        leaving.cancel()
        gate.set()
        updates, others = await first, await second
        assert updates[0].task.id == task.id
        assert updates[-1].status_update.status.state == DONE
        assert told(updates) == told(others) == LONG
        with pytest.raises(UnsupportedOperationError, match="has ended"):
            await followed(client, task.id, asyncio.Event())
        with pytest.raises(TaskNotFoundError):
            await followed(client, "other.1", asyncio.Event())


async def test_a_task_goes_on_when_its_client_hangs_up(server: DevServer) -> None:
    gate = asyncio.Event()
    async with serving(server, app(gate), script) as it, it.client(streaming=True) as client:
        began = ""
        async with asyncio.timeout(BOUND):
            async for each in client.send_message(request(message("Look it up"))):
                began = each.task.id
                break
        again = asyncio.Event()
        async with asyncio.timeout(BOUND), asyncio.TaskGroup() as tasks:
            following = tasks.create_task(followed(client, began, again))
            await again.wait()
            gate.set()
        updates = following.result()
        assert updates[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
