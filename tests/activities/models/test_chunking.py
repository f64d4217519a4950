"""A reply is the same however its bytes arrive and in whatever order its keys stand."""

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models.base import ModelReply
from holdfast_workflows.contracts.text.unicode import clean

from .reading import chunk, end, grow, part, read, start

_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(["look", "pay", "list"])
_CALLS = st.lists(st.tuples(_NAMES, st.dictionaries(_TEXT, _VALUES, max_size=3)), max_size=3)


@dataclass(frozen=True)
class Answer:
    """What a model answers: text, in the pieces that it is sent in, and calls."""

    texts: list[str]
    calls: list[tuple[str, dict[str, Any]]]

    def openai(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Its events, and itself in one piece."""
        events = [chunk(content=text) for text in self.texts]
        asked: list[dict[str, Any]] = []
        for index, (name, arguments) in enumerate(self.calls):
            text = json.dumps(arguments)
            half = len(text) // 2
            events.append(part(name, text[:half], index=index, id=f"c{index}"))
            events.append(part(arguments=text[half:], index=index))
            asked.append({"id": f"c{index}", "function": {"name": name, "arguments": text}})
        events.append(chunk("tool_calls" if asked else "stop"))
        message = {"content": "".join(self.texts), "tool_calls": asked}
        return events, {"choices": [{"message": message, "finish_reason": "stop"}]}

    def anthropic(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Its events, and itself in one piece."""
        events = [start({"type": "text", "text": ""}), *(grow(type="text_delta", text=t) for t in self.texts)]
        blocks: list[dict[str, Any]] = [{"type": "text", "text": "".join(self.texts)}]
        for index, (name, arguments) in enumerate(self.calls):
            text, block = json.dumps(arguments), {"type": "tool_use", "id": f"c{index}", "name": name}
            half = len(text) // 2
            events.append(start({**block, "input": {}}, index + 1))
            events += (
                grow(index + 1, type="input_json_delta", partial_json=piece)
                for piece in (text[:half], text[half:])
            )
            blocks.append({**block, "input": arguments})
        return [*events, *end("tool_use" if self.calls else "end_turn")], {"content": blocks}


_ANSWERS = st.builds(Answer, st.lists(_TEXT, min_size=1, max_size=4), _CALLS)


def _shuffled(draw: st.DrawFn, value: Any) -> Any:
    """The value with the keys of every object in an order of their own; what a model wrote keeps its own."""
    if isinstance(value, dict):
        items: list[tuple[str, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON
        return {key: _shuffled(draw, inner) for key, inner in draw(st.permutations(items))}
    if isinstance(value, list):
        return [_shuffled(draw, inner) for inner in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return value


@st.composite
def _bodies(draw: st.DrawFn, wire: str) -> tuple[Answer, list[bytes]]:
    """An answer, and its body in pieces that end anywhere, also within a character."""
    answer = draw(_ANSWERS)
    events, whole = answer.openai() if wire == "openai" else answer.anthropic()
    ascii_only = draw(st.booleans())

    def dumped(value: dict[str, Any]) -> bytes:
        return json.dumps(_shuffled(draw, value), ensure_ascii=ascii_only).encode()

    if draw(st.booleans()):
        body = dumped(whole)
    else:
        line = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
        before = draw(st.sampled_from([b"", b"\xef\xbb\xbf", b": hello" + line * 2, line]))
        data = [*map(dumped, events), *([b"[DONE]"] if wire == "openai" and draw(st.booleans()) else [])]
        body = before + b"".join(b"data: " + event + line * 2 for event in data)
    if draw(st.booleans()):
        return answer, [bytes([byte]) for byte in body]
    places = draw(st.lists(st.integers(0, len(body)), max_size=12).map(sorted))
    return answer, [body[a:b] for a, b in pairwise([0, *places, len(body)])]


def _check(answer: Answer, reply: ModelReply) -> None:
    assert reply.text == clean("".join(answer.texts))
    assert reply.finish == ("tool_calls" if answer.calls else "stop")
    assert [call.name for call in reply.calls] == [name for name, _ in answer.calls]
    assert [json.loads(call.arguments) for call in reply.calls] == [
        json.loads(clean(json.dumps(arguments))) for _, arguments in answer.calls
    ]


@given(_bodies("openai").filter(lambda made: "".join(made[0].texts).strip() != ""))
def test_a_chat_completion_is_the_same_in_any_pieces_and_key_order(made: tuple[Answer, list[bytes]]) -> None:
    answer, pieces = made
    _check(answer, read("openai", pieces))


@given(_bodies("anthropic").filter(lambda made: "".join(made[0].texts).strip() != ""))
def test_a_message_is_the_same_in_any_pieces_and_key_order(made: tuple[Answer, list[bytes]]) -> None:
    answer, pieces = made
    _check(answer, read("anthropic", pieces))


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_stream_is_the_same_wherever_it_is_cut_in_two(wire: str) -> None:
    answer = Answer(["I 😀 ", "表é"], [("look", {"at": "表"}), ("pay", {})])
    events = (answer.openai() if wire == "openai" else answer.anthropic())[0]
    body = b"".join(b"data: %b\n\n" % json.dumps(event, ensure_ascii=False).encode() for event in events)
    for place in range(len(body)):
        _check(answer, read(wire, [body[:place], body[place:]]))
