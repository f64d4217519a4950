"""A message as it comes back, whole or in a stream."""

import json
from typing import Any

from holdfast_workflows.contracts.session.entries import Finish, ToolCall
from holdfast_workflows.contracts.text.unicode import dump_json

from .. import arguments, finish, usage, wire
from ..base import ModelReply
from ..errors import errors
from ..http.exchange import NONSENSE
from ..prices import Cost

_SIGNED = ("thinking", "redacted_thinking")
_BROKEN = "INVALID_JSON"
_OWN = (*_SIGNED, "tool_use")
_OPENED_BY = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}


def read(name: str, answer: dict[str, Any], sent: int, cost: Cost) -> ModelReply:
    """The reply in an answer.

    Args:
        name: The model's name.
        answer: The answer, parsed.
        sent: The size of the request in bytes, for servers that tell no usage.
        cost: The model's price.

    Raises:
        MalformedReply: It is not a reply.
        ModelTransient: It broke off.
    """
    try:
        blocks = _expanded(answer["content"])
        ended: Finish = finish.meaning(name, finish.reason(answer.get("stop_reason")))
        # A reply cut short may end in half a call; a call counts only if the model came to its end.
        calls = _calls(blocks) if ended == "stop" else ()
        text = wire.received(wire.text_of([block for block in blocks if block.get("type") == "text"]))
        thought = "".join(block.get("thinking") or "" for block in blocks)
        wrote = usage.written(text, calls, wire.received(thought))
        used, counted = usage.anthropic(answer.get("usage"), sent, wrote, cost)
        return ModelReply(
            text=text,
            calls=calls,
            finish="tool_calls" if calls else ended,
            usage=used,
            model=name,
            extra=_extra(blocks, calls),
            counted=counted,
        )
    except NONSENSE as error:
        what = f"the answer is not a message ({type(error).__name__}: {error})"
        raise errors.malformed(name, what) from None


def _expanded(content: Any) -> list[dict[str, Any]]:
    """The blocks, one for each object of arguments, with the input of each an object."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    found: list[dict[str, Any]] = []
    for block in content or ():
        if not block:
            continue
        if block.get("type") != "tool_use":
            found.append(block)
            continue
        for index, one in enumerate(arguments.objects(arguments.text(block.get("input")))):
            own = {} if index == 0 else {"id": f"{block.get('id') or 'call'}_{index}"}
            found.append({**block, **own, "input": _input(one)})
    return found


def _input(given: str) -> dict[str, Any]:
    """What is not a JSON object is kept as it is, for the tool to refuse."""
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {_BROKEN: given}  # pyright: ignore[reportUnknownVariableType] - JSON


def _calls(blocks: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    asked = [block for block in blocks if block.get("type") == "tool_use"]
    ids = wire.unique([wire.received(str(block.get("id") or "")) for block in asked])
    found: list[ToolCall] = []
    for name, block in zip(ids, asked, strict=True):
        block["id"] = name  # the block may go back verbatim, and its result must find it
        called = wire.received(block["name"]).strip()
        if not called:
            raise ValueError("a call without a name")
        found.append(ToolCall(id=name, name=called, arguments=wire.received(_arguments(block["input"]))))
    return tuple(found)


def _arguments(given: dict[str, Any]) -> str:
    broken: object = given.get(_BROKEN) if len(given) == 1 else None
    return broken if isinstance(broken, str) else dump_json(given)


def _extra(blocks: list[dict[str, Any]], calls: tuple[ToolCall, ...]) -> dict[str, Any]:
    """All blocks verbatim if some are signed: the provider checks them, and their order, in the next step."""
    if calls and any(block.get("type") in _SIGNED for block in blocks):
        return {"anthropic": {"content": wire.received_json(blocks)}}
    return {}


class Gathered:
    """A streamed answer, put together as the whole one would be."""

    def __init__(self) -> None:
        """Nothing gathered yet."""
        self.text = ""
        self.finish = ""
        self.ended = False
        self.characters = 0
        self._blocks: list[dict[str, Any]] = []
        self._at: dict[int, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event; what kinds we do not know say is passed over."""
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
            # Nothing is written yet; the count is a placeholder.
            self._usage.pop("output_tokens", None)

    def _end(self, told: dict[str, Any], used: Any) -> None:
        self.finish = finish.reason(told.get("stop_reason")) or self.finish
        self._usage = usage.merged(self._usage, used)

    def _block(self, index: int | None) -> dict[str, Any] | None:
        if index is None:
            return self._blocks[-1] if self._blocks else None
        return self._at.get(index)

    def _start(self, index: int | None, block: dict[str, Any]) -> dict[str, Any]:
        """Begin a block. Some servers number every block 0; one of the same id is the same one told again."""
        before = self._block(index)
        if before and before.get("id") and before["id"] == block.get("id") and index is not None:
            return before
        begun: dict[str, Any] = {**block, "partial": []}
        self._blocks.append(begun)
        if index is not None:
            self._at[index] = begun
        if block.get("type") == "text":
            self._say(wire.text_of(block))
        return begun

    def _say(self, text: str) -> None:
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
            block = self._start(
                None, {"type": "text"}
            )  # text in a block of another kind is text all the same
        if not block.get("type"):
            block["type"] = opened_by
        if block["type"] != opened_by:
            return
        block[key] = (block.get(key) or "") + piece
        if key == "text":
            self._say(piece)
        else:
            self.characters += len(piece)

    def whole(self) -> dict[str, Any]:
        """The answer."""
        blocks = [_closed(block) for block in self._blocks]
        return {"content": blocks, "stop_reason": self.finish, "usage": self._usage}


def _index(event: dict[str, Any]) -> int | None:
    told = event.get("index")
    return None if told is None else int(told)


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The block with the input that came in parts."""
    closed = {key: value for key, value in block.items() if key != "partial"}
    partial = arguments.joined([piece for piece in block["partial"] if piece])
    if not partial.strip() or not str(block.get("type")).endswith("tool_use"):
        return closed
    # A tool of ours is read by ``_expanded``; another's goes back as an object, or as it was.
    if block.get("type") == "tool_use":
        return {**closed, "input": partial}
    return {**closed, "input": _input(partial)}
