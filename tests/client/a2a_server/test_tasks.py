"""Messages, tasks and contexts over both bindings of the protocol."""

from __future__ import annotations

import pytest
from a2a.client.errors import A2AClientError
from a2a.types import GetTaskRequest
from a2a.utils.errors import A2AError

from holdfast import Agent, App
from holdfast.testing import Reply, Request, say
from holdfast_temporal import DevServer

from .support import DONE, message, send, serving, text_of

BINDINGS = pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
Refused = (A2AError, A2AClientError)


def app() -> App:
    return App(agents=[Agent("helper", model="openai:scripted", description="Helps.")])


def script(request: Request) -> Reply:
    return say(f"Reply {request.number}.")


@BINDINGS
async def test_a_message_is_a_task_and_its_context_goes_on(server: DevServer, binding: str) -> None:
    async with serving(server, app(), script) as it, it.client(binding=binding) as client:
        first = await send(client, message("Hello"))
        assert (first.status.state, text_of(first)) == (DONE, "Reply 1.")
        second = await send(client, message("And?", context=first.context_id))
        assert text_of(second) == "Reply 2."
        assert second.context_id == first.context_id
        assert second.id != first.id
        got = await client.get_task(GetTaskRequest(id=first.id))
        assert got == first


async def test_a_message_that_is_sent_again_makes_no_second_task(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        given = message("Hello", id="order-7")
        assert (await send(client, given)).id == (await send(client, given)).id
        given.context_id = "chosen"
        assert (await send(client, given)).id == (await send(client, given)).id == "chosen.1"
