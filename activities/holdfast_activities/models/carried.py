"""What a server wants back with its reply, in addition to text and calls: reasoning and signatures of calls."""

from collections.abc import Sequence
from typing import Any

from holdfast_workflows.contracts.session.entries import ToolCall

from . import wire

_REASONING = "reasoning_content"
_LISTS = ("reasoning_details", "thinking_blocks")
_OF_A_CALL = ("extra_content", "provider_specific_fields")
_TEXTS = ("text", "summary", "thinking")
_LONGEST_ID = 200
"""Characters of a call's id that a log entry has; a longer one is kept here."""


def of_message(
    message: dict[str, Any], asked: Sequence[dict[str, Any]], calls: Sequence[ToolCall]
) -> dict[str, Any]:
    """What goes into a reply's ``extra``: of the message, and of each call in their order."""
    kept: dict[str, Any] = {}
    reasoning = message.get(_REASONING)
    if reasoning is not None:
        # Without calls its being there is enough, for servers that miss it in any message.
        kept[_REASONING] = reasoning if calls else ""
    if calls:
        kept.update({key: message[key] for key in _LISTS if message.get(key)})
    found: dict[str, Any] = {"message": kept} if kept else {}
    of_calls = [_of_call(sent, call) for sent, call in zip(asked, calls, strict=True)]
    if any(of_calls):
        found["calls"] = of_calls
    return {"openai": wire.received_json(found)} if found else {}


def of_call(sent: dict[str, Any]) -> dict[str, Any]:
    """What of a call, or of a part of one, goes back with it."""
    return {key: sent[key] for key in _OF_A_CALL if sent.get(key)}


def _of_call(sent: dict[str, Any], call: ToolCall) -> dict[str, Any]:
    long = {"id": call.id} if len(call.id) > _LONGEST_ID else {}
    return {**long, **of_call(sent)}


class Carried:
    """The same of a message that is streamed."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._reasoning: list[str] | None = None
        self._lists: dict[str, list[Any]] = {}

    def add(self, delta: dict[str, Any]) -> str:
        """Take in a part of the message; the reasoning in it."""
        given = delta.get(_REASONING)
        text = wire.text_of(given)
        if given is not None:
            self._reasoning = self._reasoning or []
            self._reasoning.append(text)
        for key in _LISTS:
            for part in delta.get(key) or ():
                _merge(self._lists.setdefault(key, []), part)
        return text

    def whole(self) -> dict[str, Any]:
        """As an answer in one piece has it."""
        reasoning = {} if self._reasoning is None else {_REASONING: "".join(self._reasoning)}
        return {**reasoning, **self._lists}


def _merge(parts: list[Any], part: dict[str, Any]) -> None:
    """Add a part to the one that it goes on: with the same index or, without an index, of the same type."""
    last: dict[str, Any] | None = next(
        (
            before
            for before in reversed(parts)
            if before.get("type") == part.get("type") and before.get("index") == part.get("index")
        ),
        None,
    )
    goes_on = last is not None and (part.get("index") is not None or last is parts[-1])
    if last is None or not goes_on or "data" in part:
        parts.append(dict(part))
        return
    for key, value in part.items():
        if key in _TEXTS and isinstance(value, str) and isinstance(last.get(key), str):
            last[key] += value
        elif value is not None:
            last[key] = value
