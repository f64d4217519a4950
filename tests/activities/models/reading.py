"""Answers as bytes, and reading both wire formats without a connection."""

import json
from collections.abc import Iterable
from typing import Any

from holdfast_activities.models.anthropic import reply as anthropic_reply
from holdfast_activities.models.base import ModelReply
from holdfast_activities.models.http.client import read as read_answer
from holdfast_activities.models.http.exchange import Body
from holdfast_activities.models.openai import reply as openai_reply

SENT = 4_000
"""Bytes of the request that the answers are to."""


def free(*_: int) -> float:
    """The price of a model that costs nothing."""
    return 0.0


def read(wire: str, pieces: Iterable[bytes], known: frozenset[str] = frozenset()) -> ModelReply:
    """The reply in a body that arrives in these pieces; raises the errors of the model's client."""
    openai = wire == "openai"
    accumulator = openai_reply.ChatAccumulator(known) if openai else anthropic_reply.MessageAccumulator()
    body = Body(wire, "", accumulator)
    for piece in pieces:
        if body.take(piece):
            break
    parse = openai_reply.parse if openai else anthropic_reply.parse
    return read_answer(parse, wire, body.answer()).reply(wire, SENT, free)


def sse(*events: dict[str, Any] | str, done: bool = False) -> bytes:
    """The events of a stream; text is sent as it is."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return b"".join(b"data: %b\n\n" % text.encode() for text in [*texts, *(["[DONE]"] if done else [])])


def chunk(finish: object = None, **delta: Any) -> dict[str, Any]:
    """An event of a streamed chat completion."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def part(
    name: str | None = None, arguments: Any = None, *, index: int | None = 0, id: str | None = None
) -> dict[str, Any]:
    """An event with a part of a call; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    given = {"index": index, "id": id, "function": {k: v for k, v in function.items() if v is not None}}
    return chunk(tool_calls=[{key: value for key, value in given.items() if value is not None}])


def start(block: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """The event that begins a block of a message."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def grow(index: int = 0, **delta: Any) -> dict[str, Any]:
    """The event that continues a block."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def end(reason: object = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    """The events at the end of a message."""
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
        {"type": "message_stop"},
    ]


def calls(reply: ModelReply) -> list[tuple[str, Any]]:
    """The calls of a reply, with their arguments parsed; text that is not JSON stays text."""
    return [(call.name, _parsed(call.arguments)) for call in reply.calls]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
