"""A chat completion as it comes back, whole or in a stream."""

import json
from typing import Any

from holdfast_workflows.contracts.entries import Finish, ToolCall, Usage

from . import errors, wire
from .base import ModelReply
from .exchange import NONSENSE
from .prices import Cost

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "refusal": "refusal",
}


def read(name: str, answer: dict[str, Any], sent: int, cost: Cost) -> ModelReply:
    """The reply in an answer.

    Args:
        name: The model's name.
        answer: The answer, parsed.
        sent: The size of the request in bytes, for servers that tell no usage.
        cost: The model's price.

    Raises:
        MalformedReply: It is none.
    """
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = wire.received(wire.text_of(message.get("content")))
        finish = _FINISH.get(choice.get("finish_reason") or "stop", "stop")
        if message.get("refusal"):
            text, finish = wire.received(message["refusal"]), "refusal"
        asked: list[dict[str, Any]] = message.get("tool_calls") or []
        # A reply cut short may end in half a call; a call counts only if the model came to its end.
        calls = _calls(asked) if finish in ("stop", "tool_calls") else ()
        if finish in ("stop", "tool_calls"):
            finish = "tool_calls" if calls else "stop"
        return ModelReply(
            text=text,
            calls=calls,
            finish=finish,
            usage=_usage(answer.get("usage"), sent, text, calls, cost),
            model=name,
            extra=_extra(message, asked, calls),
            counted=bool(answer.get("usage")),
        )
    except NONSENSE as error:
        what = f"the answer is not a chat completion ({type(error).__name__}: {error})"
        raise errors.malformed(name, what) from None


def _calls(asked: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    ids = wire.unique([wire.received(call.get("id") or "") for call in asked])
    found: list[ToolCall] = []
    for name, call in zip(ids, asked, strict=True):
        function = call["function"]
        arguments = function.get("arguments") or "{}"
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        if not function["name"]:
            raise ValueError("a call without a name")
        called = wire.received(function["name"])
        found.append(ToolCall(id=name, name=called, arguments=wire.received(arguments)))
    return tuple(found)


def _extra(
    message: dict[str, Any], asked: list[dict[str, Any]], calls: tuple[ToolCall, ...]
) -> dict[str, Any]:
    """What some servers want back: reasoning before calls, and signatures on calls."""
    if not calls:
        return {}
    signed = {
        call.id: {"extra_content": sent["extra_content"]}
        for call, sent in zip(calls, asked, strict=True)
        if sent.get("extra_content")
    }
    reasoning = {key: message[key] for key in ("reasoning_content",) if message.get(key)}
    kept = {**({"message": reasoning} if reasoning else {}), **({"calls": signed} if signed else {})}
    return {"openai": wire.received_json(kept)} if kept else {}


def _usage(
    told: dict[str, Any] | None, sent: int, text: str, calls: tuple[ToolCall, ...], cost: Cost
) -> Usage:
    """The usage told; estimated by size where a server tells none, so that budgets still count."""
    if not told:
        written = len(text) + sum(len(call.arguments) for call in calls)
        told = {"prompt_tokens": sent // 4, "completion_tokens": written // 4 + 1}
    read, write = wire.counted(told.get("prompt_tokens")), wire.counted(told.get("completion_tokens"))
    details: dict[str, Any] = told.get("prompt_tokens_details") or {}
    cached = min(read, wire.counted(details.get("cached_tokens") or told.get("prompt_cache_hit_tokens")))
    return Usage(
        input_tokens=read, output_tokens=write, cached_tokens=cached, cost=cost(read, write, cached, 0)
    )


class Gathered:
    """A streamed answer, put together as the whole one would be."""

    def __init__(self) -> None:
        """Nothing gathered yet."""
        self.text = ""
        self.finish: str | None = None
        self._refusal = ""
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}
        self._usage: dict[str, Any] | None = None

    def add(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        self._usage = event.get("usage") or self._usage
        for choice in event.get("choices") or ():
            self.finish = choice.get("finish_reason") or self.finish
            self._delta(choice.get("delta") or {})

    def _delta(self, delta: dict[str, Any]) -> None:
        self.text += wire.text_of(delta.get("content"))
        self._refusal += delta.get("refusal") or ""
        if delta.get("reasoning_content"):
            self._reasoning.append(delta["reasoning_content"])
        for part in delta.get("tool_calls") or ():
            call = self._call(part)
            function: dict[str, Any] = part.get("function") or {}
            call["function"]["name"] += function.get("name") or ""
            call["function"]["arguments"] += function.get("arguments") or ""
            if part.get("extra_content"):
                call["extra_content"] = part["extra_content"]

    def _call(self, part: dict[str, Any]) -> dict[str, Any]:
        """The call that a delta belongs to. Some servers number every call 0: a new id and name begin a new one."""
        index = int(part.get("index") or 0)
        place = self._places.get(index)
        function: dict[str, Any] = part.get("function") or {}
        new = place is None or (
            part.get("id") and function.get("name") and part["id"] != self._calls[place]["id"]
        )
        if new or place is None:
            place = self._places[index] = len(self._calls)
            self._calls.append({"id": part.get("id") or "", "function": {"name": "", "arguments": ""}})
        return self._calls[place]

    def whole(self) -> dict[str, Any]:
        """The answer."""
        message = {
            "content": self.text,
            "refusal": self._refusal,
            "tool_calls": self._calls,
            "reasoning_content": "".join(self._reasoning),
        }
        return {"choices": [{"message": message, "finish_reason": self.finish}], "usage": self._usage}
