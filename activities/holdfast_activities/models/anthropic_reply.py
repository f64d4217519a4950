"""A message as it comes back, whole or in a stream."""

import json
from typing import Any

from holdfast_workflows.contracts.entries import Finish, ToolCall, Usage
from holdfast_workflows.contracts.text import dump_json

from . import errors, wire
from .base import ModelReply
from .exchange import NONSENSE
from .prices import Cost

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_SIGNED = ("thinking", "redacted_thinking")
_BROKEN = "INVALID_JSON"


def read(name: str, answer: dict[str, Any], cost: Cost) -> ModelReply:
    """The reply in an answer.

    Args:
        name: The model's name.
        answer: The answer, parsed.
        cost: The model's price.

    Raises:
        MalformedReply: It is none.
    """
    try:
        blocks: list[dict[str, Any]] = answer["content"]
        finish = _FINISH.get(answer.get("stop_reason") or "end_turn", "stop")
        # A reply cut short may end in half a call; a call counts only if the model came to its end.
        calls = _calls(blocks) if finish in ("stop", "tool_calls") else ()
        if finish in ("stop", "tool_calls"):
            finish = "tool_calls" if calls else "stop"
        return ModelReply(
            text=wire.received(wire.text_of(blocks)),
            calls=calls,
            finish=finish,
            usage=_usage(answer.get("usage") or {}, cost),
            model=name,
            extra=_extra(blocks, calls),
        )
    except NONSENSE as error:
        what = f"the answer is not a message ({type(error).__name__}: {error})"
        raise errors.malformed(name, what) from None


def _calls(blocks: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    asked = [block for block in blocks if block["type"] == "tool_use"]
    ids = wire.unique([wire.received(block.get("id") or "") for block in asked])
    found: list[ToolCall] = []
    for name, block in zip(ids, asked, strict=True):
        block["id"] = name  # the block may go back verbatim, and its result must find it
        if not block["name"]:
            raise ValueError("a call without a name")
        called, arguments = wire.received(block["name"]), wire.received(_arguments(block["input"]))
        found.append(ToolCall(id=name, name=called, arguments=arguments))
    return tuple(found)


def _arguments(given: Any) -> str:
    broken: object = given.get(_BROKEN) if isinstance(given, dict) and len(given) == 1 else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType,reportUnknownArgumentType] - JSON
    return broken if isinstance(broken, str) else dump_json(given)


def _extra(blocks: list[dict[str, Any]], calls: tuple[ToolCall, ...]) -> dict[str, Any]:
    """All blocks verbatim if some are signed: the provider checks them, and their order, in the next step."""
    if calls and any(block["type"] in _SIGNED for block in blocks):
        return {"anthropic": {"content": wire.received_json(blocks)}}
    return {}


def _usage(told: dict[str, Any], cost: Cost) -> Usage:
    cached = wire.counted(told.get("cache_read_input_tokens"))
    caching = wire.counted(told.get("cache_creation_input_tokens"))
    read = wire.counted(told.get("input_tokens")) + cached + caching
    write = wire.counted(told.get("output_tokens"))
    return Usage(
        input_tokens=read, output_tokens=write, cached_tokens=cached, cost=cost(read, write, cached, caching)
    )


class Gathered:
    """A streamed answer, put together as the whole one would be."""

    def __init__(self) -> None:
        """Nothing gathered yet."""
        self.text = ""
        self.finish: str | None = None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        kind = event["type"]
        if kind == "content_block_delta":
            self._delta(self._blocks[event["index"]], event["delta"])
        elif kind == "content_block_start":
            self._start(event["index"], event["content_block"])
        elif kind == "message_start":
            self._usage = dict(event["message"].get("usage") or {})
        elif kind == "message_delta":
            self.finish = event["delta"].get("stop_reason") or self.finish
            given: dict[str, Any] = event.get("usage") or {}
            self._usage.update({name: value for name, value in given.items() if value is not None})

    def _start(self, index: int, block: dict[str, Any]) -> None:
        self._blocks[index] = {**block, "partial": ""} if block["type"] == "tool_use" else dict(block)
        if block["type"] == "text":
            self.text += block.get("text", "")

    def _delta(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        kind = delta["type"]
        if kind == "text_delta":
            block["text"] += delta["text"]
            self.text += delta["text"]
        elif kind == "input_json_delta":
            block["partial"] += delta["partial_json"]
        elif kind == "thinking_delta":
            block["thinking"] += delta["thinking"]
        elif kind == "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]

    def whole(self) -> dict[str, Any]:
        """The answer."""
        blocks = [_closed(self._blocks[index]) for index in sorted(self._blocks)]
        return {"content": blocks, "stop_reason": self.finish, "usage": self._usage}


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The block with the input that came in parts; what is not a JSON object is kept as it is, for the tool to refuse."""
    partial = block.pop("partial", None)
    if partial:
        try:
            given = json.loads(partial)
        except (ValueError, RecursionError):
            given = None
        block["input"] = given if isinstance(given, dict) else {_BROKEN: partial}
    return block
