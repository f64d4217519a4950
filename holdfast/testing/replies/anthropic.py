"""Replies in the form of Anthropic messages."""

from __future__ import annotations

import json
from typing import Any

from ..server.requests import Request
from .openai import arguments_text, pieces, tokens
from .replies import Call, Reply

_FINISH = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def _usage(reply: Reply, request: Request) -> dict[str, int]:
    read, written = tokens(reply, request)
    return {
        "input_tokens": read - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
        "output_tokens": written,
    }


def _input(call: Call) -> object:
    if not isinstance(call.arguments, str):
        return dict(call.arguments)
    try:
        return json.loads(call.arguments)
    except ValueError:
        return call.arguments


def _blocks(reply: Reply, request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if reply.thinking:
        found.append({"type": "thinking", "thinking": reply.thinking, "signature": f"sig-{request.number}"})
    if reply.text or not (reply.calls or reply.thinking):
        found.append({"type": "text", "text": reply.text})
    for index, call in enumerate(reply.calls):
        name = call.id or f"toolu_{request.number}_{index}"
        found.append({"type": "tool_use", "id": name, "name": call.name, "input": _input(call)})
    return found


def _finish(reply: Reply) -> str:
    word = reply.finish or ("tool_calls" if reply.calls else "stop")
    return _FINISH.get(word, word)


def _message(reply: Reply, request: Request) -> dict[str, Any]:
    return {
        "id": f"msg_{request.number}",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": _blocks(reply, request),
        "stop_reason": _finish(reply),
        "stop_sequence": None,
        "usage": _usage(reply, request),
    }


def whole(reply: Reply, request: Request) -> bytes:
    """The answer in one piece."""
    return _dump(_message(reply, request))


def _event(kind: str, **fields: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _dump({"type": kind, **fields}) + b"\n\n"


def _block_events(index: int, block: dict[str, Any], arguments: str) -> list[bytes]:
    def delta(**fields: str) -> bytes:
        return _event("content_block_delta", index=index, delta=fields)

    if block["type"] == "text":
        opening: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [delta(type="text_delta", text=piece) for piece in pieces(block["text"])]
    elif block["type"] == "thinking":
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [delta(type="thinking_delta", thinking=piece) for piece in pieces(block["thinking"])]
        deltas.append(delta(type="signature_delta", signature=block["signature"]))
    else:
        opening = {**block, "input": {}}
        deltas = [delta(type="input_json_delta", partial_json=piece) for piece in pieces(arguments)]
    return [
        _event("content_block_start", index=index, content_block=opening),
        *deltas,
        _event("content_block_stop", index=index),
    ]


def events(reply: Reply, request: Request) -> list[bytes]:
    """The answer as the events of a stream."""
    message = _message(reply, request)
    usage = {**message["usage"], "output_tokens": 1}
    opening: dict[str, Any] = {**message, "content": [], "stop_reason": None, "usage": usage}
    found = [_event("message_start", message=opening), _event("ping")]
    blocks: list[dict[str, Any]] = message["content"]
    first_call = len(blocks) - len(reply.calls)
    for index, block in enumerate(blocks):
        place = index - first_call
        arguments = arguments_text(reply.calls[place].arguments) if place >= 0 else ""
        found += _block_events(index, block, arguments)
    if reply.error_event:
        return [*found, b"event: error\ndata: " + error(529, "", "Overloaded") + b"\n\n"]
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    written = {"output_tokens": message["usage"]["output_tokens"]}
    return [*found, _event("message_delta", delta=ending, usage=written), _event("message_stop")]


def error(status: int, code: str, message: str) -> bytes:
    """The body of an error; ``code`` is OpenAI's word and has no place here."""
    del code
    return _dump({"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": message}})
