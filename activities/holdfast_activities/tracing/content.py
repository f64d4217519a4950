"""Prompts and replies in the form of OpenTelemetry's GenAI conventions, without secrets."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from holdfast_activities.models.base import Fragment, ModelReply, ModelRequest
from holdfast_workflows.contracts.text.redaction import redact, redact_value

MOST: Final = 60_000
"""Bytes of a prompt that one span takes; of a longer one the newest messages."""

_ROLES: Final = {"result": "tool", "reply": "assistant"}


def instructions(request: ModelRequest) -> str:
    """Return the attribute for the instructions."""
    return _json([{"type": "text", "content": request.instructions[:MOST]}])


def prompt(request: ModelRequest) -> str:
    """Return the attribute for the messages of a prompt."""
    kept: list[Fragment] = []
    size = 0
    for fragment in reversed(request.fragments):
        size += len(fragment.data)
        if kept and size > MOST:
            break
        kept.append(fragment)
    return _json([_message(each) for each in reversed(kept)])


def reply(answer: ModelReply) -> str:
    """Return the attribute for a reply."""
    parts: list[dict[str, Any]] = [{"type": "text", "content": answer.text}] if answer.text else []
    parts += (
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": _loaded(call.arguments)}
        for call in answer.calls
    )
    return _json([{"role": "assistant", "parts": parts, "finish_reason": answer.finish}])


def arguments(text: str) -> str:
    """Return the attribute for the arguments of a tool call."""
    return _json(_loaded(text))


def result(text: str) -> str:
    """Return the attribute for a tool's result."""
    return redact(text[:MOST])


def _message(fragment: Fragment) -> dict[str, Any]:
    role = _ROLES.get(fragment.kind, "user")
    return {"role": role, "parts": list(_parts(_loaded(fragment.data.decode("utf-8", "replace"))))}


def _parts(message: object) -> Iterator[dict[str, Any]]:
    """Yield the parts of a message in any wire format."""
    if isinstance(message, str):
        if message:
            yield {"type": "text", "content": message}
    elif isinstance(message, list):
        for each in cast("list[object]", message):
            yield from _parts(each)
    elif isinstance(message, dict):
        yield from _of_object(cast("dict[str, Any]", message))


def _of_object(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match message:
        case {"tool_call_id": id, "content": content} | {"tool_use_id": id, "content": content}:
            yield {"type": "tool_call_response", "id": id, "result": content}
        case {"type": "tool_use", "id": id, "name": name, "input": given}:
            yield {"type": "tool_call", "id": id, "name": name, "arguments": given}
        case {"function": {"name": name, "arguments": given}, "id": id}:
            yield {"type": "tool_call", "id": id, "name": name, "arguments": _loaded(given)}
        case {"type": "text", "text": text}:
            yield from _parts(text)
        case {"role": _}:
            yield from _parts(message.get("content"))
            yield from _parts(message.get("tool_calls"))
        case _:
            yield {"type": "generic", "content": message}


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(value: object) -> str:
    return json.dumps(redact_value(value), ensure_ascii=False)
