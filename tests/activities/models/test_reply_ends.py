"""How a reply ends: by a known reason or the interface's last event; by anything else it broke off."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from holdfast_activities.models import ModelReply, Models, ProviderConfig, finish
from holdfast_workflows.contracts.errors import EmptyReply, ModelTransient

from .conversations import request, within
from .reading import chunk, end, grow, part, read, sse, start

NORMAL = "stop STOP Stop end_turn stop_sequence eos eosFound COMPLETE tool_calls FINISH_REASON_STOP FinishReason.STOP"
LENGTH = (
    "length LENGTH max_tokens MAX_TOKENS model_length model_context_window_exceeded REASON_MAX_LEN maxTokens "
    "max_tokens_reached TOKEN_LIMIT_EXCEEDED lengthExceeded max_output_tokens_exceeded"
)
FILTER = "content_filter SAFETY RECITATION PROHIBITED_CONTENT sensitive guardrail_intervened ERROR_TOXIC"
BROKEN = (
    "error ERROR abort network_error insufficient_system_resource MALFORMED_FUNCTION_CALL OTHER cancelled timeout "
    "UNEXPECTED_TOOL_CALL malformed_model_output pause_turn repetition some_new_word 7"
)
MEANT = [
    *((word, "stop") for word in NORMAL.split()),
    *((word, "length") for word in LENGTH.split()),
    *((word, "content_filter") for word in FILTER.split()),
    ("refusal", "refusal"),
]


def whole(wire: str, reason: object, text: str = "Hi") -> bytes:
    """An answer in one piece, with a call in it."""
    if wire == "openai":
        call = {"id": "c", "function": {"name": "pay", "arguments": "{}"}}
        message = {"content": text, "tool_calls": [call]}
        return json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode()
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": text},
        {"type": "tool_use", "id": "c", "name": "pay", "input": {}},
    ]
    return json.dumps({"content": blocks, "stop_reason": reason}).encode()


def streamed(wire: str, reason: object, *, last: bool = True) -> bytes:
    """The same as a stream, with the interface's last event or without."""
    if wire == "openai":
        return sse(chunk(content="Hi"), part("pay", "{}", id="c"), chunk(reason), done=last)
    call = start({"type": "tool_use", "id": "c", "name": "pay", "input": {}}, 1)
    ending = end(reason)
    return sse(start({"type": "text", "text": "Hi"}), call, *(ending if last else ending[:1]))


wires = pytest.mark.parametrize("wire", ["openai", "anthropic"])
forms = pytest.mark.parametrize("form", [whole, streamed])


@wires
@forms
@pytest.mark.parametrize(("reason", "meant"), MEANT)
def test_a_known_reason_counts_in_any_spelling(
    wire: str, form: Callable[[str, object], bytes], reason: str, meant: str
) -> None:
    reply = read(wire, [form(wire, reason)])
    assert (reply.text, reply.finish) == ("Hi", "tool_calls" if meant == "stop" else meant)
    assert len(reply.calls) == (1 if meant == "stop" else 0)


@wires
@forms
@pytest.mark.parametrize("reason", [*BROKEN.split(), 7, True])
def test_any_other_reason_is_a_reply_that_broke_off(
    wire: str, form: Callable[[str, object], bytes], reason: object
) -> None:
    with pytest.raises(ModelTransient, match="broke off") as caught:
        read(wire, [form(wire, reason)])
    assert finish.reason(reason) in caught.value.detail


@wires
@pytest.mark.parametrize("reason", [None, "", "null", "none", "FINISH_REASON_UNSPECIFIED", {"type": None}])
def test_a_stream_is_whole_at_its_last_event_without_a_reason(wire: str, reason: object) -> None:
    assert read(wire, [streamed(wire, reason)]).text == "Hi"
    with pytest.raises(ModelTransient, match="ended before the answer did"):
        read(wire, [streamed(wire, reason, last=False)])


@pytest.mark.parametrize(
    "last", ["data: [DONE]", "data:[DONE]\n", "data: [DONE] \r\n\r\n", 'data: "[DONE]"\n\n']
)
def test_the_end_of_a_stream_is_seen_however_it_is_written(last: str) -> None:
    assert read("openai", [sse(chunk(content="Hi")) + last.encode()]).text == "Hi"


def test_what_follows_the_end_is_passed_over() -> None:
    late = sse(chunk(content=" there"), chunk("error"), "garbage")
    assert read("openai", [sse(chunk(content="Hi"), done=True) + late]).text == "Hi"


@asynccontextmanager
async def raw(body: bytes, after: str) -> AsyncGenerator[int]:
    """A server that answers with a chunk of a body and then ends it, holds the connection, or closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()
        if after == "end":
            writer.write(b"0\r\n\r\n")
        if after == "hold":
            await reader.read()  # until the client goes
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def complete(wire: str, port: int, seconds: float = 8.0) -> ModelReply:
    url = f"http://127.0.0.1:{port}"
    config = ProviderConfig("openai", url) if wire == "openai" else ProviderConfig("anthropic", url)
    models = Models({"x": config})
    try:
        model = models.get("x:test")
        return await model.complete(within(seconds)(request(model, stream=True)))
    finally:
        await models.close()


@wires
@pytest.mark.parametrize("after", ["hold", "close"])
async def test_a_whole_reply_counts_at_once_however_the_connection_ends(wire: str, after: str) -> None:
    began = time.monotonic()
    async with raw(streamed(wire, "stop"), after) as port:
        assert (await complete(wire, port)).text == "Hi"
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "last",
    ["data: [DONE]", "data: [DONE]\n", 'event: message_stop\ndata: {"type": "message_stop"}\n'],
)
async def test_the_last_line_ends_a_reply_on_an_open_connection(last: str) -> None:
    wire = "anthropic" if "message" in last else "openai"
    body = streamed(wire, "stop", last=False) + last.encode()
    began = time.monotonic()
    async with raw(body, "hold") as port:
        assert (await complete(wire, port)).text == "Hi"
    assert time.monotonic() - began < 4


@wires
async def test_a_reply_whose_reason_came_counts_when_its_connection_breaks(wire: str) -> None:
    async with raw(streamed(wire, "stop", last=False), "close") as port:
        reply = await complete(wire, port)
    assert (reply.text, len(reply.calls)) == ("Hi", 1)
    assert reply.usage.input_tokens > 0


async def test_a_reply_whose_reason_came_counts_when_its_connection_falls_silent() -> None:
    async with raw(sse(chunk(content="Hi"), chunk("stop")), "hold") as port:
        assert (await complete("openai", port, seconds=1.0)).text == "Hi"


@pytest.mark.parametrize(
    "body",
    [
        sse(chunk("stop", content="Hi"), chunk("stop", content=" the")),
        sse(chunk(content="Hi"), chunk("stop")) + b'data: {"choices":[{"del',
        sse(chunk("stop", content="Hi"), {"error": {"message": "boom", "code": 500}}),
    ],
    ids=["a reason in every event", "half an event", "an error"],
)
async def test_a_reason_that_is_not_the_last_word_does_not_make_a_broken_reply_whole(body: bytes) -> None:
    async with raw(body, "close") as port:
        with pytest.raises(ModelTransient):
            await complete("openai", port)


@wires
async def test_a_reply_that_is_not_whole_does_not_count_when_its_connection_breaks(wire: str) -> None:
    async with raw(streamed(wire, None, last=False), "close") as port:
        with pytest.raises(ModelTransient):
            await complete(wire, port)


SILENT: dict[str, tuple[str, bytes]] = {
    "nothing": ("openai", sse(chunk("stop"), done=True)),
    "end only": ("openai", sse(done=True)),
    "spaces": ("openai", sse(chunk(content=" \n"), chunk("stop"))),
    "thought only": ("openai", sse(chunk(reasoning_content="Hm."), chunk("stop"))),
    "thought in the text": ("openai", sse(chunk(content="<think>Hm.</think>\n"), chunk("stop"))),
    "calls announced": ("openai", sse(chunk("tool_calls"), done=True)),
    "no blocks": ("anthropic", sse(*end())),
    "null content": ("anthropic", b'{"content":null,"stop_reason":"end_turn"}'),
    "thinking only": ("anthropic", sse(start({"type": "thinking", "thinking": "Hm."}), *end())),
    "empty text": ("anthropic", sse(start({"type": "text"}), grow(type="text_delta", text=""), *end())),
}


@pytest.mark.parametrize(("wire", "body"), SILENT.values(), ids=SILENT)
async def test_a_reply_with_neither_text_nor_call_is_an_error(wire: str, body: bytes) -> None:
    async with raw(body, "end") as port:
        with pytest.raises(EmptyReply):
            await complete(wire, port)
