"""Tasks that wait for their client: the question, the answer, and servers that come and go between them."""

from __future__ import annotations

import pytest
from a2a.types import GetTaskRequest, TaskState
from a2a.utils.errors import InvalidParamsError, UnsupportedOperationError

from holdfast import Agent, App, Permissions, ask, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_client.a2a_server.app import Served
from holdfast_temporal import DevServer

from .support import DONE, Serving, data_of, listening, message, send, serving, session_of, stream, text_of

ASKED, WORKING = TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_WORKING


def app() -> App:
    @tool
    async def refund(order: str) -> str:
        """Pay the money back."""
        return f"refunded {order}"

    rules = Permissions(rules=(ask("refund", reason="Money leaves the company."),))
    return App(agents=[Agent("helper", model="openai:scripted", tools=[refund], permissions=rules)])


def script(request: Request) -> Reply:
    body = request.body.decode()
    if "refunded 7" in body:
        return say("It is paid.")
    if "refunded 8" in body:
        return say("It is paid for 8.")
    return say("It is not paid.") if "Too much." in body else call("refund", {"order": "7"})


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ({"action": "approve"}, "It is paid."),
        ({"action": "approve", "arguments": {"order": "8"}}, "It is paid for 8."),
        ("approve", "It is paid."),
        ({"action": "reject", "text": "Too much."}, "It is not paid."),
    ],
)
async def test_a_task_that_needs_input_waits_for_its_clients_answer(
    server: DevServer, answer: str | dict[str, object], reply: str
) -> None:
    async with serving(server, app(), script, kinds=frozenset({"approval"})) as it, it.client() as client:
        task = await send(client, message("Refund order 7"))
        assert task.status.state == ASKED
        question = data_of(task.status.message.parts[1])
        assert question["kind"] == "approval"
        assert "approve" in question["actions"]
        with pytest.raises(InvalidParamsError, match="does not"):
            await send(client, message("Hm?", task=task.id))
        done = await send(client, message(answer, task=task.id))
        assert (done.status.state, text_of(done)) == (DONE, reply)


async def test_the_wait_outlives_the_server_that_asked(server: DevServer) -> None:
    async with (
        ScriptedModel(script) as model,
        Environment.start(app(), model, server=server.address) as environment,
    ):

        def made(url: str) -> Served:
            return Served(environment.client, url, kinds=frozenset({"approval"}))

        async with listening(made) as url, Serving(url, environment).client(streaming=True) as client:
            updates = await stream(client, message("Refund order 7"))
            assert updates[-1].status_update.status.state == ASKED
            task = updates[0].task
        async with listening(made) as url, Serving(url, environment).client(streaming=True) as client:
            updates = await stream(client, message("approve", task=task.id, context=task.context_id))
            assert updates[-1].status_update.status.state == DONE


async def test_what_waits_for_others_is_neither_shown_nor_answered(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        task = await send(client, message("Refund order 7"), at_once=True)
        session = it.environment.client.session(session_of(task))
        async for event in session.stream(turn=1):
            if event.kind == "needs_person":
                break
        got = await client.get_task(GetTaskRequest(id=task.id))
        assert got.status.state == WORKING
        assert "refund" not in str(got.status)
        with pytest.raises(UnsupportedOperationError, match="does not wait for input"):
            await send(client, message("approve", task=task.id))
