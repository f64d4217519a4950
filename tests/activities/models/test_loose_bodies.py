"""Bodies of the wrong type, and events that leave out, cut or add something, are read all the same."""

import itertools
import json
from typing import Any

import pytest

from holdfast.testing import Reply, ScriptedModel
from holdfast_activities.models import wire as common
from holdfast_activities.models.http.exchange import Body
from holdfast_activities.models.openai.reply import ChatAccumulator
from holdfast_workflows.contracts.errors import HoldfastError, MalformedReply, ModelTransient

from .conversations import NAMES, ask
from .reading import calls, chunk, end, grow, part, read, sse, start

HI = sse(chunk(content="Hi"), chunk("stop"), done=True)
WHOLE = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
MESSAGE = b'{"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}'
HELLO = sse(start({"type": "text", "text": "Hi"}), *end())

BODIES = {
    "events": HI,
    "whole": WHOLE,
    "whole after blank lines": b"\n\n \r\n" + WHOLE,
    "whole with a mark": b"\xef\xbb\xbf" + WHOLE,
    "events with a mark": b"\xef\xbb\xbf" + HI,
    "events after a comment": b": queued\n\n: queued\n\n" + HI,
    "events after their fields": b"retry: 3000\nid: 1\n" + HI,
    "keep-alives between": b"\n\n".join([b"data: ping", *HI.strip().split(b"\n\n")]) + b"\n\n",
    "empty events between": HI.replace(b"\n\n", b"\n\ndata: \n\ndata: null\n\ndata: {}\n\n"),
    "carriage returns": HI.replace(b"\n", b"\r\n"),
    "no blank line at the end": HI.rstrip(),
    "one line end for each event": HI.replace(b"\n\n", b"\n"),
    "no space after the colon": HI.replace(b"data: ", b"data:"),
    "the whole answer as one event": sse(json.loads(WHOLE)),
    "choices that are null": sse({"choices": None}, {"choices": [None]}) + HI,
    "a delta that is null": sse({"choices": [{"delta": None}]}) + HI,
    "parts of text": sse(chunk(content=[{"type": "text", "text": "Hi"}, {"type": "image"}, None]), done=True),
    "another choice": sse({"choices": [{"index": 1, "delta": {"content": "No"}}]}) + HI,
    "first choice without a number": sse({"choices": [{"delta": {"content": "Hi"}}]}, done=True),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_is_read_by_what_it_is(body: bytes) -> None:
    assert read("openai", [body]).text == "Hi"
    assert read("openai", [bytes([byte]) for byte in body]).text == "Hi"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/event-stream", "text/html", "text/plain", ""]
)
@pytest.mark.parametrize("events", [False, True], ids=["json", "events"])
async def test_neither_content_type_nor_request_decides_the_body_format(
    name: str, stream: bool, content_type: str, events: bool
) -> None:
    openai = name.startswith("openai")
    body = (HI if events else WHOLE) if openai else (HELLO if events else MESSAGE)
    async with ScriptedModel([Reply(raw=body, content_type=content_type)]) as server:
        assert (await ask(server, name, stream=stream)).text == "Hi"


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"Bad gateway", b'"Hi"', b"[]", b"{", b"data"])
def test_a_body_that_is_nothing_known_is_an_error(body: bytes) -> None:
    with pytest.raises((MalformedReply, ModelTransient)):
        read("openai", [body])


@pytest.mark.parametrize("text", ["表", "naïve 😀 表", "\u00e9", "💀"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_character_cut_between_two_events_is_put_together(wire: str, text: str) -> None:
    data = text.encode()
    for place in range(1, len(data)):
        first, second = (
            json.dumps(chunk(content="@") if wire == "openai" else grow(type="text_delta", text="@"))
            .encode()
            .replace(b"@", piece)
            for piece in (data[:place], data[place:])
        )
        last = sse(chunk("stop")) if wire == "openai" else sse(*end())
        stream = b"data: %b\n\ndata: %b\n\n%b" % (first, second, last)
        assert read(wire, [stream]).text == text


def test_text_that_grows_never_ends_in_part_of_a_character() -> None:
    halves = json.dumps("😀")[1:-1]
    pieces = [b"\xe8", b"\xa1", b"\xa8", halves[:6].encode(), halves[6:].encode()]
    seen: list[str] = []
    body = Body("x", "", ChatAccumulator(), seen.append)
    for piece in pieces:
        body.take(b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % piece)
    assert [text for text in seen if text] == ["表", "表", "表😀"]
    assert common.received("\udce8") == "\ufffd"


LOOSE: dict[str, list[dict[str, Any]]] = {
    "no text in the block": [start({"type": "text"}), grow(type="text_delta", text="Hi")],
    "null text": [start({"type": "text", "text": None}), grow(type="text_delta", text="Hi")],
    "no start": [grow(type="text_delta", text="Hi")],
    "a start without a block": [start({}), grow(type="text_delta", text="Hi")],
    "no index": [
        {"type": "content_block_start", "content_block": {"type": "text"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
    ],
    "blocks in the first event": [
        {"type": "message_start", "message": {"content": [{"type": "text", "text": "Hi"}]}},
    ],
    "the whole message as one event": [{"type": "message", **json.loads(MESSAGE)}],
    "null deltas": [
        start({"type": "text"}),
        {"type": "content_block_delta", "index": 0, "delta": None},
        grow(type="text_delta", text=None),
        grow(type="text_delta", text="Hi"),
    ],
    "events and deltas not known": [
        {"type": "ping"},
        {"type": "vendor_metrics", "latency": 3},
        start({"type": "text"}),
        grow(type="citations_delta", citation={"url": "x"}),
        grow(type="text_delta", text="Hi"),
        {"type": "content_block_stop"},
    ],
    "a server's tool and its result": [
        start({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
        grow(type="input_json_delta", partial_json='{"q":1}'),
        start({"type": "web_search_tool_result", "content": []}, 1),
        grow(1, type="some_delta", text="?"),
        start({"type": "text"}, 2),
        grow(2, type="text_delta", text="Hi"),
    ],
    "thinking without its keys": [
        start({"type": "thinking"}),
        grow(type="thinking_delta", thinking="Hm."),
        grow(type="signature_delta", signature=None),
        grow(1, type="text_delta", text="Hi"),
    ],
    "text in a thinking block": [start({"type": "thinking"}), grow(type="text_delta", text="Hi")],
}


@pytest.mark.parametrize("events", LOOSE.values(), ids=LOOSE)
def test_a_message_is_read_without_what_is_empty_and_with_what_is_unknown(
    events: list[dict[str, Any]],
) -> None:
    assert read("anthropic", [sse(*events, *end())]).text == "Hi"


def test_a_servers_tool_goes_back_with_the_input_that_it_was_given() -> None:
    events = [
        start({"type": "thinking", "thinking": "Hm.", "signature": "s"}),
        start({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, 1),
        grow(1, type="input_json_delta", partial_json='{"q":1}'),
        start({"type": "tool_use", "id": "c", "name": "look"}, 2),
    ]
    reply = read("anthropic", [sse(*events, *end("tool_use"))])
    assert calls(reply) == [("look", {})]
    assert reply.extra["anthropic"]["content"][1]["input"] == {"q": 1}


@pytest.mark.parametrize(
    "bad", ["{", "Hi", '{"choices": 7}', '{"choices":[{"delta":{"tool_calls":[{"function":7}]}}]}']
)
def test_an_event_that_cannot_be_read_is_never_passed_over(bad: str) -> None:
    with pytest.raises(HoldfastError):
        read("openai", [sse(chunk(content="Hi"), bad, chunk("stop"), done=True)])


@pytest.mark.parametrize("start_of_body", [b"{", b"data: "])
def test_an_endless_answer_is_refused(start_of_body: bytes) -> None:
    body = Body("x", "", ChatAccumulator())
    body.take(start_of_body)
    pieces = itertools.repeat(b"x" * 2**20, 40)
    with pytest.raises(MalformedReply, match="longer than can be read"):
        list(map(body.take, pieces))


def test_events_of_another_tool_call_shape_are_parts_of_one_call() -> None:
    reply = read("openai", [sse(part("look", {"q": "A"}, id="c"), done=True)])
    assert calls(reply) == [("look", {"q": "A"})]
