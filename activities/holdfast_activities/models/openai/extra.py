"""What a server wants back verbatim with its reply: reasoning, and signatures of calls."""

from collections.abc import Sequence
from typing import Any

from holdfast_workflows.contracts.session.entries import ToolCall

from .. import wire

_REASONING = "reasoning_content"
_MESSAGE_LISTS = ("reasoning_details", "thinking_blocks")
_CALL_FIELDS = ("extra_content", "provider_specific_fields")
_TEXTS = ("text", "summary", "thinking")
_LONGEST_ID = 200
"""Characters of a call's id that a log entry holds; a longer one is stored in the ``extra``."""


def of_message(
    message: dict[str, Any], parsed: Sequence[dict[str, Any]], calls: Sequence[ToolCall]
) -> dict[str, Any]:
    """A reply's ``extra``: fields of the message, and of each call in order."""
    fields: dict[str, Any] = {}
    reasoning = message.get(_REASONING)
    if reasoning is not None:
        # Without calls the field alone is enough, for servers that require it in every message.
        fields[_REASONING] = reasoning if calls else ""
    if calls:
        fields.update({key: message[key] for key in _MESSAGE_LISTS if message.get(key)})
    found: dict[str, Any] = {"message": fields} if fields else {}
    call_fields = [
        {**({"id": call.id} if len(call.id) > _LONGEST_ID else {}), **of_call(sent)}
        for sent, call in zip(parsed, calls, strict=True)
    ]
    if any(call_fields):
        found["calls"] = call_fields
    return {"openai": wire.received_json(found)} if found else {}


def of_call(sent: dict[str, Any]) -> dict[str, Any]:
    """The fields of a call, or of a part of one, that go back with it."""
    return {key: sent[key] for key in _CALL_FIELDS if sent.get(key)}


class StreamedExtra:
    """The fields of a streamed message that go back with it."""

    def __init__(self) -> None:
        """No part yet."""
        self._reasoning: list[str] | None = None
        self._lists: dict[str, list[Any]] = {}

    def add(self, delta: dict[str, Any]) -> str:
        """Add a part of the message; return its reasoning."""
        given = delta.get(_REASONING)
        text = wire.text_of(given)
        if given is not None:
            self._reasoning = self._reasoning or []
            self._reasoning.append(text)
        for key in _MESSAGE_LISTS:
            for part in delta.get(key) or ():
                _merge(self._lists.setdefault(key, []), part)
        return text

    def whole(self) -> dict[str, Any]:
        """The fields as a whole message has them."""
        reasoning = {} if self._reasoning is None else {_REASONING: "".join(self._reasoning)}
        return {**reasoning, **self._lists}


def _merge(parts: list[Any], part: dict[str, Any]) -> None:
    """Append a part to the one it continues: with the same index or, without an index, of the same type."""
    last: dict[str, Any] | None = next(
        (
            before
            for before in reversed(parts)
            if before.get("type") == part.get("type") and before.get("index") == part.get("index")
        ),
        None,
    )
    continues = last is not None and (part.get("index") is not None or last is parts[-1])
    if last is None or not continues or "data" in part:
        parts.append(dict(part))
        return
    for key, value in part.items():
        if key in _TEXTS and isinstance(value, str) and isinstance(last.get(key), str):
            last[key] += value
        elif value is not None:
            last[key] = value
