"""The forms in which servers really send a reply: ``say("Hi").but(form="no_usage")``.

Each form changes the events or the whole answer of a wire format, if they have what it changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Form = Literal[
    "no_finish_reason", "no_end", "held_open", "broken_end", "no_usage", "zero_usage", "no_ids", "index_0",
    "name_repeated", "name_split", "one_id", "arguments_parsed", "bare", "server_tool", "crlf", "comments",
    "bytes", "whole", "other_type",
]  # fmt: skip
FORMS: tuple[Form, ...] = get_args(Form)
"""The names of every form."""

_Event = dict[str, Any]
_Change = Callable[[list[_Event]], list[_Event]]
_DONE = b"data: [DONE]\n\n"
_ENDS: dict[str, Literal["hold", "close"]] = {"held_open": "hold", "broken_end": "close"}


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes to send; ``end`` is what happens to the connection then."""

    chunks: list[bytes]
    content_type: str
    end: Literal["", "hold", "close"] = ""


def sent(form: str, whole: bytes, events: list[bytes] | None) -> Sent:
    """An answer in a form; ``events`` is the answer as a stream, if the request wants one."""
    change = _CHANGES.get(form, list)
    if events is None or form == "whole":
        (answer,) = change([json.loads(whole)])
        kind = "text/plain" if form == "other_type" else "application/json"
        return Sent(_cut(form, [json.dumps(answer, ensure_ascii=form != "bytes").encode()]), kind)
    named = any(event.startswith(b"event:") for event in events)
    parsed = [json.loads(event.partition(b"data: ")[2]) for event in events if event != _DONE]
    chunks = [_event(each, named, ascii_only=form != "bytes") for each in change(parsed)]
    if _DONE in events and form != "no_end":
        chunks.append(_DONE)
    if form == "crlf":
        chunks = [chunk.replace(b"\n", b"\r\n") for chunk in chunks]
    if form == "comments":
        chunks = [part for chunk in chunks for part in (b": keep-alive\n\n", chunk)]
    kind = "application/json" if form == "other_type" else "text/event-stream"
    return Sent(_cut(form, chunks), kind, _ENDS.get(form, ""))


def _cut(form: str, chunks: list[bytes]) -> list[bytes]:
    """The chunks; with ``bytes`` in pieces of three bytes, which also split characters."""
    if form != "bytes":
        return chunks
    data = b"".join(chunks)
    return [data[place : place + 3] for place in range(0, len(data), 3)]


def _event(value: _Event, named: bool, *, ascii_only: bool) -> bytes:
    name = f"event: {value['type']}\n".encode() if named else b""
    return name + b"data: " + json.dumps(value, ensure_ascii=ascii_only).encode() + b"\n\n"


# OpenAI's calls are in a message or a delta; Anthropic's are blocks.


def _parts(event: _Event) -> list[_Event]:
    """The messages or deltas of an event in OpenAI's form."""
    return [
        part
        for choice in event.get("choices") or ()
        for part in (choice.get("message") or choice.get("delta"),)
        if part
    ]


def _calls(event: _Event) -> list[_Event]:
    return [call for part in _parts(event) for call in part.get("tool_calls") or ()]


def _blocks(event: _Event) -> list[_Event]:
    found = [event["content_block"]] if "content_block" in event else event.get("content") or []
    return [block for block in found if block.get("type") == "tool_use"]


def _no_finish_reason(events: list[_Event]) -> list[_Event]:
    for event in events:
        for choice in event.get("choices") or ():
            choice["finish_reason"] = None
        for holder in (event, event.get("delta") or {}):
            if "stop_reason" in holder:
                holder["stop_reason"] = None
    return events


def _usage(change: Callable[[_Event], object]) -> _Change:
    def changed(events: list[_Event]) -> list[_Event]:
        for event in events:
            for holder in (event, event.get("message") or {}):
                if "usage" in holder:
                    change(holder)
        return events

    return changed


def _zero(holder: _Event) -> None:
    usage: _Event = holder["usage"] or {}
    holder["usage"] = {name: 0 for name, value in usage.items() if isinstance(value, int)} or None


def _no_ids(events: list[_Event]) -> list[_Event]:
    for event in events:
        for call in _calls(event):
            call.pop("id", None)
            call.pop("index", None)
        for block in _blocks(event):
            block.pop("id")
    return events


def _index_0(events: list[_Event]) -> list[_Event]:
    for event in events:
        for call in _calls(event):
            call["index"] = 0
    return events


def _name_repeated(events: list[_Event]) -> list[_Event]:
    names: dict[int, str] = {}
    for event in events:
        for call in _calls(event):
            index = call.get("index", 0)
            names[index] = call["function"].get("name") or names[index]
            call["function"]["name"] = names[index]
    return events


def _name_split(events: list[_Event]) -> list[_Event]:
    made: list[_Event] = []
    for event in events:
        made.append(event)
        for call in _calls(event):
            name = call["function"].get("name") or ""
            if len(name) > 1 and "delta" in event["choices"][0]:
                call["function"]["name"] = name[:1]
                rest = {"index": call["index"], "function": {"name": name[1:]}}
                choice = {"index": 0, "delta": {"tool_calls": [rest]}, "finish_reason": None}
                made.append({**event, "choices": [choice]})
    return made


def _one_id(events: list[_Event]) -> list[_Event]:
    """All arguments come in the first call, one object after the other."""
    first: _Event | None = None
    for event in events:
        for part in _parts(event):
            kept: list[_Event] = []
            for call in part.get("tool_calls") or ():
                if "message" in event["choices"][0] and first is not None:
                    first["function"]["arguments"] += call["function"]["arguments"]
                elif call.get("index", 0) and "delta" in event["choices"][0]:
                    arguments = call["function"].get("arguments", "")
                    kept.append({"index": 0, "function": {"arguments": arguments}})
                else:
                    first = first or call
                    kept.append(call)
            if "tool_calls" in part:
                part["tool_calls"] = kept
    return events


def _arguments_parsed(events: list[_Event]) -> list[_Event]:
    """Arguments as an object instead of text, and as text instead of an object."""
    for event in events:
        for call in _calls(event):
            if "message" in event["choices"][0]:
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        for block in event.get("content") or ():
            if block.get("type") == "tool_use":
                block["input"] = json.dumps(block["input"])
    return _deltas_joined(events)


def _deltas_joined(events: list[_Event]) -> list[_Event]:
    """All arguments of a call as one object in its first delta."""
    text: dict[int, str] = {}
    first: dict[int, _Event] = {}
    kept: list[_Event] = []
    for event in events:
        calls = _calls(event)
        if not calls or "delta" not in event["choices"][0]:
            kept.append(event)
            continue
        for call in calls:
            index = call["index"]
            if index not in first:
                first[index] = call
                kept.append(event)
            text[index] = text.get(index, "") + call["function"].get("arguments", "")
    for index, call in first.items():
        call["function"]["arguments"] = json.loads(text[index])
    return kept


def _bare(events: list[_Event]) -> list[_Event]:
    """Without meaningless keys: nulls, empty texts, names of kinds, ids of answers."""
    for event in events:
        for key in ("id", "object", "created", "model", "system_fingerprint", "usage"):
            if key != "usage" or event.get("usage") is None:
                event.pop(key, None)
        for choice in event.get("choices") or ():
            for key in [key for key, value in choice.items() if value is None]:
                del choice[key]
        for part in _parts(event):
            for key in [key for key, value in part.items() if key == "role" or value in (None, "")]:
                del part[key]
        block: _Event = event.get("content_block") or {}
        for key in [key for key, value in block.items() if value in ("", {})]:
            del block[key]
    return events


def _server_tool(events: list[_Event]) -> list[_Event]:
    """The answer begins with a search by Anthropic's server."""
    use: _Event = {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {"query": "x"},
    }
    found: _Event = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    made: list[_Event] = []
    for event in events:
        if "content" in event and event.get("type") == "message":
            event["content"] = [use, found, *event["content"]]
        elif "index" in event:
            event["index"] += 2
        made.append(event)
        if event.get("type") == "message_start":
            for index, block in enumerate((use, found)):
                made.append({"type": "content_block_start", "index": index, "content_block": block})
                made.append({"type": "content_block_stop", "index": index})
    return made


_CHANGES: dict[str, _Change] = {
    "no_finish_reason": _no_finish_reason,
    "no_usage": _usage(lambda holder: holder.pop("usage")),
    "zero_usage": _usage(_zero),
    "no_ids": _no_ids,
    "index_0": _index_0,
    "name_repeated": _name_repeated,
    "name_split": _name_split,
    "one_id": _one_id,
    "arguments_parsed": _arguments_parsed,
    "bare": _bare,
    "server_tool": _server_tool,
}
