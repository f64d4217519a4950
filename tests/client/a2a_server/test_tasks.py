"""Messages, tasks and contexts over both bindings of the protocol."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from a2a.client import Client
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    InvalidParamsError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)

from holdfast.testing import Environment, Reply, Request, call, failed, say
from holdfast_temporal import DevServer

from ..served_app import app
from .support import BOUND, DONE, data_of, message, send, serving, session_of, text_of

BINDINGS = pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
FAILED, CANCELED = TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED
WORKING, SUBMITTED = TaskState.TASK_STATE_WORKING, TaskState.TASK_STATE_SUBMITTED


def script(request: Request) -> Reply:
    """A model that does what the message says."""
    text = request.body.decode()
    if "Oslo" in text:
        return say('{"city": "Oslo", "degrees": -3}')
    if "Start digging" in text and "Never mind" not in text:
        return call("dig", {})
    if "Break it" in text:
        return failed(400, "No such model: internal-7.")
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
        session = it.environment.client.session(session_of(first))
        assert (await session.view()).turn == 2


async def test_a_message_that_is_sent_again_makes_no_second_task(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        given = message("Hello", id="order-7")
        assert (await send(client, given)).id == (await send(client, given)).id
        given.context_id = "chosen"
        assert (await send(client, given)).id == (await send(client, given)).id == "chosen.1"


async def test_output_types_are_data_of_the_artifact(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client("forecaster") as client:
        task = await send(client, message({"city": "Oslo"}))
        assert data_of(task.artifacts[0].parts[1]) == {"city": "Oslo", "degrees": -3}


async def test_a_failed_task_has_the_code_and_not_the_detail_of_its_error(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        task = await send(client, message("Break it"))
        assert task.status.state == FAILED
        assert data_of(task.status.message.parts[1])["error"]["code"] == "model_rejected"
        assert "internal-7" not in str(task)


@BINDINGS
async def test_what_has_ended_takes_neither_messages_nor_a_cancellation(
    server: DevServer, binding: str
) -> None:
    async with serving(server, app(), script) as it, it.client(binding=binding) as client:
        ended = await send(client, message("Hello"))
        with pytest.raises(UnsupportedOperationError, match="has ended"):
            await send(client, message("More", task=ended.id))
        with pytest.raises(TaskNotCancelableError, match="has ended"):
            await client.cancel_task(CancelTaskRequest(id=ended.id))
        with pytest.raises(InvalidParamsError, match="not in context"):
            await send(client, message("More", task=ended.id, context="other"))


@BINDINGS
async def test_unknown_tasks_are_not_found(server: DevServer, binding: str) -> None:
    async with serving(server, app(), script) as it, it.client(binding=binding) as client:
        known = await send(client, message("Hello"))
        for id in ("nonsense", "other.1", f"{known.context_id}.2"):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(GetTaskRequest(id=id))
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(CancelTaskRequest(id="other.1"))
        with pytest.raises(TaskNotFoundError):
            await send(client, message("Hello", task="other.1"))


async def test_a_session_of_others_is_not_a_task(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        secret = await it.environment.client.start("helper", "Hello")
        await secret.wait()
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id=f"{secret.id}.1"))


REFUSED: list[tuple[type[A2AError], Message]] = [
    (ContentTypeNotSupportedError, Message(parts=[Part(raw=b"x", media_type="application/x-unknown")])),
    (ContentTypeNotSupportedError, Message(parts=[Part(url="https://example.com/a.pdf")])),
    (InvalidParamsError, Message()),
    (InvalidParamsError, Message(parts=[Part(text=" ")])),
    (InvalidParamsError, Message(parts=[Part(text="Hello")], context_id="../other")),
]


@pytest.mark.parametrize(("error", "given"), REFUSED)
async def test_a_message_that_cannot_be_read_is_refused(
    server: DevServer, error: type[A2AError], given: Message
) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        empty = message()
        empty.MergeFrom(given)
        with pytest.raises(error):
            await send(client, empty)


async def test_what_the_card_does_not_offer_is_refused(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        with pytest.raises(PushNotificationNotSupportedError):
            await client.create_task_push_notification_config(
                TaskPushNotificationConfig(task_id="a.1", url="https://example.com")
            )
        # The SDK's client looks at the card and does not ask.
        asked: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "GetExtendedAgentCard", "params": {}}
        async with httpx.AsyncClient(headers={"a2a-version": "1.0"}) as http:
            answer = await http.post(f"{it.url}/helper/", json=asked)
        assert answer.json()["error"]["code"] == -32004


async def test_history_has_the_messages_that_were_asked_for(server: DevServer) -> None:
    async with serving(server, app(), script) as it, it.client() as client:
        id = (await send(client, message("Hello"))).id
        whole = await client.get_task(GetTaskRequest(id=id))
        assert [each.parts[0].text for each in whole.history] == ["Hello", "Reply 1."]
        one = await client.get_task(GetTaskRequest(id=id, history_length=1))
        assert [each.parts[0].text for each in one.history] == ["Reply 1."]
        assert not (await client.get_task(GetTaskRequest(id=id, history_length=0))).history
        with pytest.raises(InvalidParamsError):
            await client.get_task(GetTaskRequest(id=id, history_length=-1))


@BINDINGS
async def test_a_cancelled_task_ends_with_its_tools(server: DevServer, binding: str) -> None:
    async with serving(server, app(), script) as it, it.client(binding=binding) as client:
        task = await send(client, message("Start digging"), at_once=True)
        assert task.status.state in (SUBMITTED, WORKING)
        waiting = await send(client, message("Never mind", context=task.context_id), at_once=True)
        with pytest.raises(TaskNotCancelableError, match="has not begun"):
            await client.cancel_task(CancelTaskRequest(id=waiting.id))
        await begun(it.environment, session_of(task))
        cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert cancelled.status.state == CANCELED
        assert (await settled(client, waiting.id)).state == DONE


async def begun(environment: Environment, session: str) -> None:
    async with asyncio.timeout(BOUND):
        while "dig" not in (await environment.client.session(session).view()).active:  # noqa: ASYNC110 - in the server
            await asyncio.sleep(0.05)


async def settled(client: Client, id: str) -> Any:
    async with asyncio.timeout(BOUND):
        while True:
            task = await client.get_task(GetTaskRequest(id=id))
            if task.status.state not in (SUBMITTED, WORKING):
                return task.status
            await asyncio.sleep(0.05)


@BINDINGS
async def test_lists_have_pages_filters_and_the_callers_tasks_only(server: DevServer, binding: str) -> None:
    async with serving(server, app(), script) as it, it.client(binding=binding) as client:
        for text in ("One", "Two", "Three"):
            await send(client, message(text, context="talk"))
        await send(client, message("Break it", context="talk"))
        seen: list[str] = []
        token = ""
        while True:
            page = await client.list_tasks(ListTasksRequest(context_id="talk", page_size=3, page_token=token))
            assert page.total_size == 4
            assert not any(task.artifacts for task in page.tasks)
            seen += [task.id for task in page.tasks]
            token = page.next_page_token
            if not token:
                break
        assert seen == ["talk.4", "talk.3", "talk.2", "talk.1"]
        broken = await client.list_tasks(ListTasksRequest(context_id="talk", status=FAILED))
        assert [task.id for task in broken.tasks] == ["talk.4"]
        whole = await client.list_tasks(
            ListTasksRequest(context_id="talk", include_artifacts=True, page_size=2)
        )
        assert text_of(whole.tasks[1]) == "Reply 3."
        assert not (await client.list_tasks(ListTasksRequest(context_id="unknown"))).tasks
        for wrong in (ListTasksRequest(page_size=101), ListTasksRequest(page_token="x")):
            with pytest.raises(InvalidParamsError):
                await client.list_tasks(wrong)
