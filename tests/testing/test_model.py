"""The scripted model, asked over HTTP as any client would."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from holdfast.testing import (
    Reply,
    Request,
    Script,
    ScriptedModel,
    asked,
    call,
    empty,
    failed,
    hang,
    rate_limited,
    reset,
    say,
)

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
wires = pytest.mark.parametrize("wire", list(PATHS))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10.0) as made:
        yield made


async def _post(
    client: httpx.AsyncClient, model: ScriptedModel, wire: str, text: str = "Hello", **fields: Any
) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
    return await client.post(model.url + PATHS[wire], json=body)


def _said(wire: str, answer: Any) -> str:
    return str(
        answer["choices"][0]["message"]["content"] if wire == "openai" else answer["content"][0]["text"]
    )


@wires
async def test_replies_of_a_list_come_in_order_and_then_no_more(client: httpx.AsyncClient, wire: str) -> None:
    async with ScriptedModel([say("one"), say("two")]) as model:
        answers = [(await _post(client, model, wire)).json() for _ in range(2)]
        after = await _post(client, model, wire)
    assert [_said(wire, answer) for answer in answers] == ["one", "two"]
    assert after.status_code == 400
    assert "no reply for request 3" in after.text


@wires
async def test_a_function_answers_each_conversation_by_its_content(
    client: httpx.AsyncClient, wire: str
) -> None:
    async def script(request: Request) -> Reply:
        await asyncio.sleep(0)
        return say(f"{request.conversation} of {request.model} by {request.headers['user-agent'][:12]}")

    async with ScriptedModel(script) as model:
        texts = [f"question {n}" for n in range(5)]
        answers = await asyncio.gather(*(_post(client, model, wire, text) for text in texts))
    assert [_said(wire, answer.json()) for answer in answers] == [f"{t} of m by python-httpx" for t in texts]


async def test_a_script_that_fails_is_answered_with_its_error(client: httpx.AsyncClient) -> None:
    def script(request: Request) -> Reply:
        return say(str(request.json["nothing"]))

    async with ScriptedModel(script) as model:
        answer = await _post(client, model, "openai")
    assert answer.status_code == 400
    assert "KeyError('nothing')" in answer.text


async def test_a_connection_serves_many_requests(client: httpx.AsyncClient) -> None:
    async with ScriptedModel(lambda _: say("yes")) as model:
        streams = set[int]()
        for _ in range(3):
            answer = await _post(client, model, "openai")
            address = answer.extensions["network_stream"].get_extra_info("client_addr")
            streams.add(address[1])
    assert len(streams) == 1


async def test_requests_sent_at_once_on_one_connection_are_answered_in_order() -> None:
    async with ScriptedModel([say("one"), say("two")]) as model:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(model.url.rpartition(":")[2]))
        head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
        for part in (head[:20], head[20:] + b"{", b"}" + head + b"{}"):
            writer.write(part)
            await writer.drain()
        received = b""
        while received.count(b"HTTP/1.1 200") < 2 or b"two" not in received:
            received += await asyncio.wait_for(reader.read(65_536), 30)
        writer.close()
    assert received.index(b'"one"') < received.index(b'"two"')


@wires
async def test_a_stream_holds_what_the_whole_reply_holds(client: httpx.AsyncClient, wire: str) -> None:
    reply = say("A text that takes more than one event.") + call("look", {"at": "table"})
    async with ScriptedModel([reply]) as model:
        answer = await _post(client, model, wire, stream=True)
    assert answer.headers["content-type"] == "text/event-stream"
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    if wire == "openai":
        deltas = [event["choices"][0]["delta"] for event in events]
        assert "".join(delta.get("content") or "" for delta in deltas) == reply.text
        assert answer.text.endswith("data: [DONE]\n\n")
    else:
        deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
        assert "".join(delta.get("text", "") for delta in deltas) == reply.text
        assert events[-1]["type"] == "message_stop"


@wires
async def test_requests_are_recorded_and_counted(client: httpx.AsyncClient, wire: str) -> None:
    result: dict[str, Any] = {"role": "tool", "tool_call_id": "a", "content": '"role":"tool"'}
    if wire == "anthropic":
        block = {"type": "tool_result", "tool_use_id": "a", "content": '"type":"tool_result"'}
        result = {"role": "user", "content": [block]}
    first = {
        "role": "user",
        "content": [{"type": "text", "text": "first"}] if wire == "anthropic" else "first",
    }
    async with ScriptedModel(lambda _: say("yes")) as model:
        for messages in ([first], [first, result], [first, result]):
            await client.post(model.url + PATHS[wire], json={"messages": messages})
        assert asked(model.requests) == {("first", 0): 1, ("first", 1): 2}
        told = (await client.get(model.url + "/_requests")).json()
    assert [row["number"] for row in told] == [1, 2, 3]
    assert told[0]["body"] == model.requests[0].body.decode()


async def test_large_bodies_are_counted_and_not_stored(client: httpx.AsyncClient) -> None:
    async with ScriptedModel(lambda _: say("yes")) as model:
        await _post(client, model, "openai", "x" * 500_000)
        (seen,) = model.requests
    assert seen.size > 500_000
    assert seen.body == b""
    assert seen.conversation == "x" * 200


@pytest.mark.parametrize(("fault", "error"), [(reset(), httpx.ReadError), (hang(), httpx.ReadTimeout)])
async def test_an_answer_that_never_comes(fault: Reply, error: type[Exception]) -> None:
    patience = httpx.Timeout(30, read=0.2 if fault == hang() else 30)
    async with ScriptedModel([fault]) as model, httpx.AsyncClient(timeout=patience) as client:
        with pytest.raises(error):
            await _post(client, model, "openai")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_cut_short_breaks_the_connection_or_ends_in_good_order(
    client: httpx.AsyncClient, stream: bool
) -> None:
    script: Script = [say("x" * 100, cut_at=50), say("x" * 100, cut_at=50, cut="end")]
    async with ScriptedModel(script) as model:
        with pytest.raises(httpx.RemoteProtocolError):
            await _post(client, model, "openai", stream=stream)
        answer = await _post(client, model, "openai", stream=stream)
    assert len(answer.content) == 50


async def test_errors_have_the_wires_own_form(client: httpx.AsyncClient) -> None:
    async with ScriptedModel([rate_limited(7), failed(529, "Full"), empty()]) as model:
        limited = await _post(client, model, "openai")
        full = await _post(client, model, "anthropic")
        nothing = await _post(client, model, "openai")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert limited.json()["error"]["code"] == "rate_limit_exceeded"
    assert full.json() == {"type": "error", "error": {"type": "overloaded_error", "message": "Full"}}
    assert (nothing.status_code, nothing.content) == (200, b"")


async def test_other_paths_are_not_found(client: httpx.AsyncClient) -> None:
    async with ScriptedModel([]) as model:
        assert (await client.get(model.url + "/v1/models")).status_code == 404
        assert model.requests == []


def test_a_server_in_another_process_answers_and_can_be_read() -> None:
    with ScriptedModel.spawn("tests.testing.scripts:by_results") as model, httpx.Client() as client:
        messages: list[dict[str, Any]] = [{"role": "user", "content": "it"}]
        for _ in range(2):
            client.post(f"{model.openai_url}/chat/completions", json={"messages": messages})
            messages.append({"role": "tool", "tool_call_id": "c", "content": "seen"})
        last = client.post(f"{model.openai_url}/chat/completions", json={"messages": messages}).json()
        assert _said("openai", last) == "done with it"
        assert asked(model.requests) == {("it", 0): 1, ("it", 1): 1, ("it", 2): 1}


def test_a_script_that_cannot_be_loaded_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(RuntimeError, match="did not start"),
        ScriptedModel.spawn("tests.testing.scripts:nothing"),
    ):
        pass
    assert "has no attribute 'nothing'" in capfd.readouterr().err
