"""Replies in the form of OpenAI chat completions."""

from __future__ import annotations

import json
from typing import Any

from ..server.requests import Request
from .replies import Reply

_FINISH = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
    "refusal": "stop",
}
_CHUNK = 16
"""Characters of text or arguments in one event of a stream."""


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def pieces(text: str) -> list[str]:
    """The text in the pieces a stream sends."""
    return [text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK)]


def arguments_text(arguments: object) -> str:
    """Arguments as JSON text; text is taken as it is."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _finish(reply: Reply) -> str:
    word = reply.finish or ("tool_calls" if reply.calls else "stop")
    return _FINISH.get(word, word)


def tokens(reply: Reply, request: Request) -> tuple[int, int]:
    """Input and output tokens as the reply reports them."""
    written = len(reply.text) + sum(len(arguments_text(call.arguments)) for call in reply.calls)
    read = len(request.body) // 4 if reply.input_tokens is None else reply.input_tokens
    return read, (written // 4 + 1 if reply.output_tokens is None else reply.output_tokens)


def _usage(reply: Reply, request: Request) -> dict[str, Any]:
    read, written = tokens(reply, request)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
    }


def _calls(reply: Reply, request: Request) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id or f"call_{request.number}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": arguments_text(call.arguments)},
        }
        for index, call in enumerate(reply.calls)
    ]


def _envelope(request: Request, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{request.number}", "object": kind, "created": 0, "model": "scripted"}


def whole(reply: Reply, request: Request) -> bytes:
    """The answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.finish == "refusal":
        message.update(content=None, refusal=reply.text)
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    if reply.calls:
        message["tool_calls"] = _calls(reply, request)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return _dump(
        {**_envelope(request, "chat.completion"), "choices": [choice], "usage": _usage(reply, request)}
    )


def events(reply: Reply, request: Request) -> list[bytes]:
    """The answer as the events of a stream."""
    envelope = _envelope(request, "chat.completion.chunk")

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + _dump({**envelope, "choices": [choice], "usage": None}) + b"\n\n"

    key = "refusal" if reply.finish == "refusal" else "content"
    found = [event({"role": "assistant", "content": ""})]
    found += [event({"reasoning_content": piece}) for piece in pieces(reply.thinking)]
    found += [event({key: piece}) for piece in pieces(reply.text)]
    for index, call in enumerate(_calls(reply, request)):
        function = call["function"]
        opening = {"name": function["name"], "arguments": ""}
        found.append(event({"tool_calls": [{**call, "index": index, "function": opening}]}))
        found += [
            event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            for piece in pieces(function["arguments"])
        ]
    if reply.error_event:
        return [*found, b"data: " + error(500, "server_error", "The engine broke.") + b"\n\n"]
    found.append(event({}, _finish(reply)))
    if request.usage_wanted:
        usage: dict[str, Any] = {**envelope, "choices": [], "usage": _usage(reply, request)}
        found.append(b"data: " + _dump(usage) + b"\n\n")
    return [*found, b"data: [DONE]\n\n"]


def error(status: int, code: str, message: str) -> bytes:
    """The body of an error."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return _dump({"error": {"message": message, "type": kind, "param": None, "code": code or None}})
