"""Mutated answers to both readers: ``python -m tests.activities.models.fuzz [--streams 100000] [--seed 1]``.

Each must end as a reply or as a typed error, in bounded time and memory; anything else is
printed with its seed, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from holdfast_workflows.contracts.errors import ModelError

from .reading import chunk, end, grow, part, read, sse, start

SLOW = 2.0
"""Seconds of processor time after which one stream, which takes a millisecond, counts as hanging."""
MOST = 64 * 2**20
"""Bytes that reading one stream of a few kilobytes may hold."""

_TRACED = 7
"""Of so many streams one is read with its memory traced, which takes four times as long."""

_USAGE = {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79}
_TOOL: dict[str, Any] = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
_OPENAI: list[list[Any]] = [
    [
        chunk(content="Hello "),
        chunk(content="表 😀"),
        chunk("stop"),
        {"choices": [], "usage": _USAGE},
        "[DONE]",
    ],
    [
        part("look", "", id="a"),
        part(arguments='{"q":'),
        part(arguments='"A"}'),
        chunk("tool_calls"),
        "[DONE]",
    ],
    [part("look", {"q": 1}, id="a"), part("pay", '{"q":2}', id="b", index=1), chunk("tool_calls")],
    [chunk(reasoning_content="Hm."), chunk(refusal="No."), chunk("stop")],
    [chunk(content="So "), {"error": {"message": "Overloaded", "code": 503}}],
    [
        {
            "choices": [{"message": {"content": "Hi", "tool_calls": []}, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ],
]
_ANTHROPIC: list[list[Any]] = [
    [
        {
            "type": "message_start",
            "message": {"content": [], "usage": {"input_tokens": 9, "output_tokens": 1}},
        },
        start({"type": "thinking", "thinking": ""}),
        grow(type="thinking_delta", thinking="Hm."),
        grow(type="signature_delta", signature="s"),
        start({"type": "text", "text": ""}, 1),
        grow(1, type="text_delta", text="Hello 表 😀"),
        {"type": "ping"},
        *end(output_tokens=6),
    ],
    [
        start(_TOOL),
        grow(type="input_json_delta", partial_json='{"q":'),
        grow(type="input_json_delta", partial_json="1}"),
        *end("tool_use"),
    ],
    [
        start({**_TOOL, "input": {"q": 1}}),
        start({"type": "server_tool_use", "input": {}}, 1),
        *end("tool_use"),
    ],
    [
        start({"type": "text", "text": "Hi"}),
        {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
    ],
    [{"type": "message", "content": [{"type": "text", "text": "Hi"}, _TOOL], "stop_reason": "tool_use"}],
]
_ODD: list[Any] = [
    None, True, 0, -1, 7, 1.5, 10**40, float("nan"), "", "x", "null", "[DONE]", "{}", '{"a":1}{"b":2}', "\ud83d",
    "\udce8", "\x00", [], {}, [None], [[]], {"type": "text"}, {"text": 7}, "é" * 300, "[" * 3_000, '{"a":' * 2_000,
]  # fmt: skip
_LINES = [
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b"data:",
    b"data: ",
    b"event: error\n",
    b": x\n",
    b"id: 1\n",
    b"[DONE]",
]


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and key."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys += cast("dict[str, Any]", value)
    elif isinstance(value, list):
        keys += range(len(value))  # pyright: ignore[reportUnknownArgumentType] - JSON
    for key in keys:
        found.append((cast("Any", value), key))
        _places(value[key], found)
    return found


def _mutate_value(rng: random.Random, events: list[Any]) -> None:
    """Change the events as a server might."""
    container, key = rng.choice(_places(events, []) or [(events, 0)])
    match rng.randrange(6):
        case 0:
            container[key] = rng.choice(_ODD)
        case 1:
            del container[key]
        case 2:
            other, there = rng.choice(_places(events, []) or [(events, 0)])
            container[key] = json.loads(json.dumps(other[there]))
        case 3:
            container[key] = [container[key]] if rng.random() < 0.5 else json.dumps(container[key])
        case 4:
            events.insert(rng.randrange(len(events) + 1), json.loads(json.dumps(rng.choice(events))))
        case _:
            rng.shuffle(events)


def _mutate_bytes(rng: random.Random, body: bytes) -> bytes:
    """Change the bytes as a connection or a proxy might."""
    at = rng.randrange(len(body) + 1)
    to = min(len(body), at + rng.randrange(1, 40))
    match rng.randrange(6):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + body[to:]
        case 2:
            return body[:at] + rng.randbytes(rng.randrange(1, 8)) + body[to:]
        case 3:
            return body[:at] + rng.choice(_LINES) + body[at:]
        case 4:
            return body[:at] + body[at:to] * rng.randrange(2, 50) + body[to:]
        case _:
            return body.replace(b"\n", rng.choice(_LINES))


def _event(rng: random.Random, event: Any) -> str:
    plain = isinstance(event, str) and event.isascii() and rng.random() < 0.8
    return event if plain else json.dumps(event)


def stream(rng: random.Random, wire: str) -> list[bytes]:
    """A mutated answer in pieces."""
    events: list[Any] = json.loads(json.dumps(rng.choice(_OPENAI if wire == "openai" else _ANTHROPIC)))
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        if events:
            _mutate_value(rng, events)
    if len(events) == 1 and rng.random() < 0.5:
        body = json.dumps(events[0]).encode("utf-8", "surrogatepass")
    else:
        body = sse(*(_event(rng, event) for event in events))
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        body = _mutate_bytes(rng, body)
    size = rng.choice([1, 3, 17, 400, 1 << 20])
    return [body[at : at + size] for at in range(0, len(body), size)]


def outcome(wire: str, pieces: list[bytes]) -> str:
    """What became of a stream: ``reply``, or the typed error's code; anything else is raised."""
    try:
        reply = read(wire, pieces, frozenset({"look", "pay"}))
    except ModelError as error:
        return error.code
    json.dumps([reply.text, reply.extra, [call.arguments for call in reply.calls]]).encode()
    assert all(call.id and call.name for call in reply.calls), "a call without a name or id"
    assert len({call.id for call in reply.calls}) == len(reply.calls), "two calls of one id"
    assert reply.usage.input_tokens > 0, "a prompt of no tokens"
    return "reply"


def run(streams: int, seed: int, report: Callable[[str], None] = print) -> int:
    """Fuzz both readers; how many streams ended otherwise than they may."""
    bad, found, slowest, largest = 0, Counter[str](), 0.0, 0
    for number in range(streams):
        wire = "openai" if number % 2 else "anthropic"
        pieces = stream(random.Random(f"{seed}/{number}"), wire)
        traced = number % _TRACED == 0
        if traced:
            tracemalloc.start()
        began = time.process_time()
        try:
            became = outcome(wire, pieces)
        except Exception as error:  # noqa: BLE001 - which one must not be, is what is looked for
            became, bad = f"{type(error).__name__} RAISED", bad + 1
            report(f"{wire} {seed}/{number}: {type(error).__name__}: {str(error)[:200]}")
        took = time.process_time() - began
        held = tracemalloc.get_traced_memory()[1] if traced else 0
        tracemalloc.stop()
        slowest, largest = max(slowest, took), max(largest, held)
        if took > SLOW or held > MOST:
            bad += 1
            report(f"{wire} {seed}/{number}: {took:.1f} s, {held:,} bytes")
        found[f"{wire} {became}"] += 1
    for name, count in sorted(found.items()):
        report(f"{count:8,} {name}")
    report(
        f"{streams:,} streams, {bad} bad; slowest {slowest * 1_000:.0f} ms, largest {largest / 2**20:.1f} MiB"
    )
    return bad


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(1 if run(asked.streams, asked.seed) else 0)
