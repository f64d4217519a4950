"""Calls whose parts lack an id or index, or repeat what came before, are read as what they plainly are."""

import json
from typing import Any

import pytest

from holdfast_workflows.contracts.errors import MalformedReply

from .reading import calls, chunk, end, grow, part, read, sse, start

A, B = {"q": "A"}, {"q": "B"}
TOOLS = frozenset({"look", "look_up", "list", "hahaha", "temperature"})

ONE: dict[str, list[dict[str, Any]]] = {
    "as the interface says": [
        part("look", "", id="c"),
        part(arguments='{"q"'),
        part(arguments=':"A"}'),
    ],
    "id and name in every part": [part("look", piece, id="c") for piece in ("", '{"q"', ':"A"}')],
    "name in every part": [part("look", "", id="c"), part("look", '{"q":'), part("look", '"A"}')],
    "name in every part, no id": [part("look", '{"q":'), part("look", '"A"}'), part("look", "")],
    "no index": [part("look", "", id="c", index=None), part(arguments='{"q":"A"}', index=None)],
    "no index, id in every part": [
        part("look", "", id="c", index=None),
        part(arguments='{"q":"A"}', index=None, id="c"),
    ],
    "a new id in every part": [
        part("look", '{"q"', id="c"),
        part("look", ':"A"', id="d"),
        part(arguments="}", id="e"),
    ],
    "a new index in every part": [part("look", "", id="c"), part(arguments='{"q":"A"}', index=1)],
    "id and name in every part, a new index": [
        part("look", piece, id="c", index=index) for index, piece in enumerate(("", '{"q"', ':"A"}'))
    ],
    "name in pieces, id in each": [
        part("lo", "", id="c"),
        part("ok", "", id="c"),
        part(arguments='{"q":"A"}'),
    ],
    "name in pieces": [part("lo", "", id="c"), part("ok"), part(arguments='{"q":"A"}')],
    "name that grows": [part("lo", "", id="c"), part("look", '{"q":"A"}', id="c")],
    "arguments as an object": [part("look", A, id="c")],
    "arguments that grow": [part("look", piece, id="c") for piece in ('{"q', '{"q":"A', '{"q":"A"}')],
    "arguments repeated": [part("look", '{"q":"A"}', id="c"), part("look", '{"q":"A"}', id="c")],
    "an empty object first": [part("look", "{}", id="c"), part(arguments='{"q":"A"}')],
    "arguments encoded twice": [part("look", '"{\\"q\\":\\"A\\"}"', id="c")],
    "arguments before the name": [part(arguments='{"q":"A"}'), part("look", id="c")],
    "arguments called parameters": [
        chunk(tool_calls=[{"id": "c", "function": {"name": "look", "parameters": A}}])
    ],
    "not nested, called parameters": [chunk(tool_calls=[{"id": "c", "name": "look", "parameters": A}])],
    "the whole message after empty parts": [
        chunk(role="assistant"),
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {},
                    "message": {
                        "tool_calls": [None, {"id": "c", "function": {"name": "look", "arguments": A}}]
                    },
                }
            ]
        },
    ],
    "no list around the call": [chunk(tool_calls={"id": "c", "function": {"name": "look", "arguments": A}})],
    "not nested": [chunk(tool_calls=[{"id": "c", "name": "look", "arguments": '{"q":"A"}'}])],
    "the interface's first form": [chunk(function_call={"name": "look", "arguments": '{"q":"A"}'})],
    "a space around the name": [part(" look\n", '{"q":"A"}', id="c")],
    "an empty part between": [
        part("look", '{"q":', id="c"),
        chunk(tool_calls=[None]),
        part(arguments='"A"}'),
    ],
}
TWO: dict[str, list[dict[str, Any]]] = {
    "index 0 throughout": [
        part("look", "", id="a"),
        part(arguments='{"q":"A"}'),
        part("look", "", id="b"),
        part(arguments='{"q":"B"}'),
    ],
    "index 0, parts of both mixed, ids in each": [
        part("look", "", id="a"),
        part("look", "", id="b"),
        part(arguments='{"q":"A"}', id="a"),
        part(arguments='{"q":"B"}', id="b"),
    ],
    "no id and index 0": [part("look", '{"q":"A"}'), part("look", '{"q":"B"}')],
    "no id and no index": [part("look", A, index=None), part("look", B, index=None)],
    "no id": [part("look", '{"q":"A"}'), part("look", '{"q":"B"}', index=1)],
    "no index": [part("look", A, index=None, id="a"), part("look", B, index=None, id="b")],
    "one id and index": [part("look", '{"q":"A"}', id="c"), part("look", '{"q":"B"}', id="c")],
    "one id, name told once": [part("look", '{"q":"A"}', id="c"), part(arguments='{"q":"B"}')],
    "one id, in pieces": [part("look", '{"q":"A"}{"q', id="c"), part(arguments='":"B"}')],
    "one id, a comma between": [part("look", '{"q":"A"}, {"q":"B"}', id="c")],
    "one id, two indexes": [part("look", A, id="c"), part("look", B, id="c", index=1)],
    "both in one event": [
        chunk(
            tool_calls=[
                {"function": {"name": "look", "arguments": A}},
                {"function": {"name": "look", "arguments": B}},
            ]
        )
    ],
}


@pytest.mark.parametrize("events", ONE.values(), ids=ONE)
def test_one_call_is_one_call(events: list[dict[str, Any]]) -> None:
    reply = read("openai", [sse(*events, chunk("tool_calls"), done=True)], TOOLS)
    assert calls(reply) == [("look", A)]
    assert reply.calls[0].id


@pytest.mark.parametrize("events", TWO.values(), ids=TWO)
def test_two_calls_are_two_calls_of_two_ids(events: list[dict[str, Any]]) -> None:
    reply = read("openai", [sse(*events, chunk("tool_calls"), done=True)], TOOLS)
    assert calls(reply) == [("look", A), ("look", B)]
    assert len({call.id for call in reply.calls}) == 2


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["list", "look"], ["list", "look"]),
        (["look", "look_up"], ["look", "look_up"]),
        (["look", "_up"], ["look_up"]),
        (["ha", "ha", "ha"], ["hahaha"]),
        (["look", "look", "look"], ["look"]),
        (["un", "known"], ["unknown"]),
        (["look", "unknown"], ["look", "unknown"]),
        (["unknown", "look"], ["unknown", "look"]),
        (["unknown", "unknown"], ["unknown"]),
    ],
)
def test_names_without_arguments_between_them_are_never_glued(names: list[str], expected: list[str]) -> None:
    reply = read("openai", [sse(*(part(name, "") for name in names), done=True)], TOOLS)
    assert [call.name for call in reply.calls] == expected


def test_a_second_name_after_arguments_is_a_second_call() -> None:
    events = [part("first", "{}"), part("second", "{}"), part("third", '{"q":"A"}')]
    reply = read("openai", [sse(*events, done=True)])
    assert calls(reply) == [("first", {}), ("second", {}), ("third", A)]


@pytest.mark.parametrize(
    "text", ['{"q": ', '{"q":"A"}{"q', '{"q":"A"}}', '{"q":"A"} and more', "[1]", "look"]
)
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_arguments_that_are_nothing_known_are_one_bad_call_by_its_name(wire: str, text: str) -> None:
    if wire == "openai":
        stream = sse(part("look", text, id="c"), chunk("tool_calls"))
    else:
        delta = grow(type="input_json_delta", partial_json=text)
        stream = sse(
            start({"type": "tool_use", "id": "c", "name": "look", "input": {}}), delta, *end("tool_use")
        )
    (call,) = read(wire, [stream]).calls
    assert (call.id, call.name, call.arguments) == ("c", "look", text)


@pytest.mark.parametrize("text", ["", "  ", "{}", "null", "[]", '""', None, '{}{"q":"A"}{}'])
def test_no_arguments_are_an_empty_object(text: str | None) -> None:
    wanted = [("look", A if text and "A" in text else {})]
    assert calls(read("openai", [sse(part("look", text, id="c"), done=True)])) == wanted
    block = {"type": "tool_use", "id": "c", "name": "look", "input": text}
    assert calls(read("anthropic", [sse(start(block), *end("tool_use"))])) == wanted


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_call_without_a_name_is_a_malformed_reply(wire: str) -> None:
    if wire == "openai":
        stream = sse(part(arguments="{}", id="c"), done=True)
    else:
        stream = sse(start({"type": "tool_use", "id": "c", "name": ""}), *end("tool_use"))
    with pytest.raises(MalformedReply):
        read(wire, [stream])


def test_two_objects_in_one_block_are_two_calls_and_two_blocks_that_go_back() -> None:
    block: dict[str, Any] = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
    thinking = start({"type": "thinking", "thinking": "Hm.", "signature": "s"})
    delta = grow(1, type="input_json_delta", partial_json='{"q":"A"}{"q":"B"}')
    reply = read("anthropic", [sse(thinking, start(block, 1), delta, *end("tool_use"))])
    assert calls(reply) == [("look", A), ("look", B)]
    kept = [block["id"] for block in reply.extra["anthropic"]["content"] if block["type"] == "tool_use"]
    assert kept == [call.id for call in reply.calls]


BLOCKS: dict[str, list[dict[str, Any]]] = {
    "index 0 throughout": [
        start({"type": "text", "text": "So."}),
        start({"type": "tool_use", "id": "a", "name": "look"}),
        grow(type="input_json_delta", partial_json='{"q":"A"}'),
        start({"type": "tool_use", "id": "b", "name": "look"}),
        grow(type="input_json_delta", partial_json='{"q":"B"}'),
    ],
    "no id": [
        start({"type": "text", "text": "So."}),
        start({"type": "tool_use", "name": "look", "input": A}, 1),
        start({"type": "tool_use", "name": "look", "input": B}, 2),
    ],
    "no index": [
        {"type": "content_block_start", "content_block": {"type": "text", "text": "So."}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "a", "name": "look"}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": A}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "b", "name": "look"}},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": B}},
    ],
    "one id for both": [
        start({"type": "text", "text": "So."}),
        start({"type": "tool_use", "id": "a", "name": "look", "input": A}, 1),
        start({"type": "tool_use", "id": "a", "name": "look", "input": B}, 2),
    ],
    "a start that comes again": [
        start({"type": "text", "text": "So."}),
        start({"type": "tool_use", "id": "a", "name": "look"}, 1),
        start({"type": "tool_use", "id": "a", "name": "look"}, 1),
        grow(1, type="input_json_delta", partial_json='{"q":"A"}{"q":"B"}'),
    ],
    "input that grows": [
        start({"type": "text", "text": "So."}),
        start({"type": "tool_use", "id": "a", "name": "look", "input": A}, 1),
        start({"type": "tool_use", "id": "b", "name": "look"}, 2),
        grow(2, type="input_json_delta", partial_json='{"q'),
        grow(2, type="input_json_delta", partial_json='{"q":"B"}'),
    ],
}


@pytest.mark.parametrize("events", BLOCKS.values(), ids=BLOCKS)
def test_two_blocks_are_two_calls_of_two_ids_beside_their_text(events: list[dict[str, Any]]) -> None:
    reply = read("anthropic", [sse(*events, *end("tool_use"))])
    assert (reply.text, calls(reply)) == ("So.", [("look", A), ("look", B)])
    assert len({call.id for call in reply.calls}) == 2


WHOLE: list[tuple[dict[str, Any], list[tuple[str, Any]]]] = [
    ({"arguments": '{"q":"A"}{"q":"B"}'}, [("look", A), ("look", B)]),
    ({"arguments": A}, [("look", A)]),
    ({"arguments": None}, [("look", {})]),
    ({}, [("look", {})]),
    ({"arguments": '{"q":'}, [("look", '{"q":')]),
]


@pytest.mark.parametrize(("given", "expected"), WHOLE)
def test_a_whole_answer_is_read_by_the_same_rules(given: dict[str, Any], expected: list[Any]) -> None:
    message = {"content": None, "tool_calls": [{"id": "c", "function": {"name": "look", **given}}]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    assert calls(read("openai", [body])) == expected


def test_a_signature_stays_with_the_first_of_two_calls_of_one_id() -> None:
    signed = {
        "id": "c",
        "function": {"name": "look", "arguments": '{"q":"A"}{"q":"B"}'},
        "extra_content": {"s": 1},
    }
    reply = read("openai", [sse(chunk(tool_calls=[signed]), done=True)])
    assert reply.extra["openai"]["calls"] == [{"extra_content": {"s": 1}}, {}]
