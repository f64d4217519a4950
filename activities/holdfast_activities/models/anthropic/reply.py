"""Reading a message, whole or in a stream."""

import json
from typing import Any

from holdfast_workflows.contracts.session.entries import Finish, ToolCall
from holdfast_workflows.contracts.text.unicode import dump_json

from .. import arguments, finish, usage, wire
from ..errors.body import is_object
from ..http.exchange import Accumulator

_SIGNED = ("thinking", "redacted_thinking")
_BROKEN = "INVALID_JSON"
_OWN = (*_SIGNED, "tool_use")
_OPENED_BY = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}


def parse(name: str, answer: dict[str, Any]) -> usage.Answer:
    """Read the answer of the model ``name``."""
    blocks = _expanded(answer["content"])
    ended: Finish = finish.meaning(name, finish.reason(answer.get("stop_reason")))
    # A reply that was cut short may end in half a call, so calls count only if the model finished.
    calls = _calls(blocks) if ended == "stop" else ()
    signed = any(block.get("type") in _SIGNED for block in blocks)
    return usage.Answer(
        text=wire.received(wire.text_of([block for block in blocks if block.get("type") == "text"])),
        ended=ended,
        calls=calls,
        counts=usage.anthropic(answer.get("usage")),
        thought=wire.received("".join(block.get("thinking") or "" for block in blocks)),
        # The provider checks signed blocks, and the order of all blocks, in the next step.
        extra={"anthropic": {"content": wire.received_json(blocks)}} if calls and signed else {},
    )


def _expanded(content: Any) -> list[dict[str, Any]]:
    """The blocks, with one tool call for each object of arguments."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    blocks: list[dict[str, Any]] = []
    for block in content or ():
        if not block:
            continue
        if block.get("type") != "tool_use":
            blocks.append(block)
            continue
        for index, text in enumerate(arguments.objects(arguments.text(block.get("input")))):
            own = {} if index == 0 else {"id": f"{block.get('id') or 'call'}_{index}"}
            blocks.append({**block, **own, "input": _input(text)})
    return blocks


def _input(text: str) -> dict[str, Any]:
    """The object; anything else is wrapped, for the tool to refuse."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if is_object(value) else {_BROKEN: text}


def _calls(blocks: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    ids = wire.unique([str(block.get("id") or "") for block in uses])
    for id, block in zip(ids, uses, strict=True):
        block["id"] = id  # the block may go back verbatim, and its result refers to the id
    return tuple(wire.call(use["id"], use["name"], _arguments(use["input"])) for use in uses)


def _arguments(given: dict[str, Any]) -> str:
    broken: object = given.get(_BROKEN) if len(given) == 1 else None
    return broken if isinstance(broken, str) else dump_json(given)


class MessageAccumulator(Accumulator):
    """A streamed message."""

    def __init__(self) -> None:
        """No event yet."""
        super().__init__()
        self._blocks: list[dict[str, Any]] = []
        self._at: dict[int, dict[str, Any]] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Add one event; unknown kinds are ignored."""
        kind = event.get("type")
        if kind == "content_block_delta":
            self._delta(_index(event), event.get("delta") or {})
        elif kind == "content_block_start":
            self._start(_index(event), event.get("content_block") or {})
        elif kind in ("message_start", "message"):
            self.ended = kind == "message"  # the whole answer as one event
            self._message(event if self.ended else event.get("message") or {})
        elif kind == "message_delta":
            self._end(event.get("delta") or {}, event.get("usage"))
        elif kind == "message_stop":
            self.ended = True

    def _message(self, message: dict[str, Any]) -> None:
        for block in message.get("content") or ():
            self._start(None, block)
        self._end(message, message.get("usage"))
        if not self.ended:
            # Nothing is written yet, and the reported figure is a placeholder.
            self._usage.pop("output_tokens", None)

    def _end(self, message: dict[str, Any], reported: Any) -> None:
        self.finish = finish.reason(message.get("stop_reason")) or self.finish
        self._usage = usage.merged(self._usage, reported)

    def _block(self, index: int | None) -> dict[str, Any] | None:
        if index is None:
            return self._blocks[-1] if self._blocks else None
        return self._at.get(index)

    def _start(self, index: int | None, block: dict[str, Any]) -> dict[str, Any]:
        """Begin a block. Some servers number every block 0; a block with the same id is a repetition."""
        before = self._block(index)
        if before and before.get("id") and before["id"] == block.get("id") and index is not None:
            return before
        begun: dict[str, Any] = {**block, "partial": []}
        self._blocks.append(begun)
        if index is not None:
            self._at[index] = begun
        if block.get("type") == "text":
            self._add_text(wire.text_of(block))
        return begun

    def _add_text(self, text: str) -> None:
        self.text += text
        self.characters += len(text)

    def _delta(self, index: int | None, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "input_json_delta":
            block = self._block(index)
            if block is None:
                raise ValueError("input of a call without a name")
            piece = arguments.text(delta.get("partial_json"))
            block["partial"].append(piece)
            self.characters += len(piece)
        elif kind in _OPENED_BY:
            self._grow(index, kind.removesuffix("_delta"), _OPENED_BY[kind], delta)

    def _grow(self, index: int | None, key: str, opened_by: str, delta: dict[str, Any]) -> None:
        piece = delta.get(key) or ""
        block = self._block(index)
        if block is None:
            block = self._start(index, {"type": opened_by})
        elif key == "text" and block.get("type") in _OWN:
            block = self._start(None, {"type": "text"})  # text inside a block of another type is still text
        if not block.get("type"):
            block["type"] = opened_by
        if block["type"] != opened_by:
            return
        block[key] = (block.get(key) or "") + piece
        if key == "text":
            self._add_text(piece)
        else:
            self.characters += len(piece)

    def whole(self) -> dict[str, Any]:
        """See ``Accumulator.whole``."""
        blocks = [_closed(block) for block in self._blocks]
        return {"content": blocks, "stop_reason": self.finish, "usage": self._usage}


def _index(event: dict[str, Any]) -> int | None:
    index = event.get("index")
    return None if index is None else int(index)


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The block with the input that came in parts."""
    closed = {key: value for key, value in block.items() if key != "partial"}
    partial = arguments.joined([piece for piece in block["partial"] if piece])
    if not partial.strip() or not str(block.get("type")).endswith("tool_use"):
        return closed
    # ``_expanded`` reads the input of our tools. That of the provider's own tools goes back as an object.
    return {**closed, "input": partial if block.get("type") == "tool_use" else _input(partial)}
