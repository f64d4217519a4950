"""What a call used is known or estimated, in both wires, whatever a provider tells."""

import json
from typing import Any

import pytest

from holdfast_activities.models import usage
from holdfast_activities.models.base import Consumed, ModelReply
from holdfast_workflows.contracts.errors import EmptyReply, ModelTransient

from .reading import SENT, chunk, end, free, grow, part, read, sse, start

TEXT = "It is four degrees, and it rains."
NOTHING: list[Any] = [
    None,
    {},
    "none",
    [],
    7,
    {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "input_tokens": 0, "output_tokens": 0},
    {"prompt_tokens": None, "completion_tokens": None, "input_tokens": None, "output_tokens": None},
    {"prompt_tokens": "?", "completion_tokens": [], "input_tokens": {}, "output_tokens": "NaN"},
    {"prompt_tokens": -3, "completion_tokens": -1, "input_tokens": -3, "output_tokens": -1},
]
wires = pytest.mark.parametrize("wire", ["openai", "anthropic"])


def told(wire: str, given: Any, *, stream: bool) -> bytes:
    """An answer of ``TEXT`` with this usage."""
    if wire == "openai":
        if stream:
            return sse(chunk(content=TEXT), chunk("stop"), {"choices": [], "usage": given}, done=True)
        choice = {"message": {"content": TEXT}, "finish_reason": "stop"}
        return json.dumps({"choices": [choice], "usage": given}).encode()
    if stream:
        opening = {"type": "message_start", "message": {"usage": {"input_tokens": 0, "output_tokens": 1}}}
        ending = [{**end()[0], "usage": given}, end()[1]]
        return sse(opening, start({"type": "text", "text": TEXT}), *ending)
    return json.dumps({"content": [{"type": "text", "text": TEXT}], "usage": given}).encode()


@wires
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("given", NOTHING, ids=str)
def test_unreported_usage_is_estimated_by_size(wire: str, stream: bool, given: Any) -> None:
    reply = read(wire, [told(wire, given, stream=stream)])
    assert reply.text == TEXT
    assert reply.usage.input_tokens == SENT // 4
    assert reply.usage.output_tokens == len(TEXT) // 4 + 1
    assert not reply.counted


@wires
@pytest.mark.parametrize("figure", [70, 70.0, "70", "70.0", " 70 "], ids=repr)
def test_a_count_is_read_in_any_form(wire: str, figure: Any) -> None:
    given = dict.fromkeys(("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"), figure)
    reply = read(wire, [told(wire, given, stream=False)])
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.counted) == (70, 70, True)


@wires
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_only_what_is_missing_is_estimated(wire: str, stream: bool) -> None:
    output = read(
        wire, [told(wire, {"prompt_tokens": 70, "input_tokens": 70, "output_tokens": 0}, stream=stream)]
    )
    assert (output.usage.input_tokens, output.usage.output_tokens) == (70, len(TEXT) // 4 + 1)
    given = {"prompt_tokens": 0, "completion_tokens": 20, "input_tokens": 0, "output_tokens": 20}
    prompt = read(wire, [told(wire, given, stream=stream)])
    assert (prompt.usage.input_tokens, prompt.usage.output_tokens) == (SENT // 4, 20)


def test_a_prompt_read_from_the_cache_is_not_a_prompt_of_zero_tokens() -> None:
    given = {"input_tokens": 0, "cache_read_input_tokens": 900, "output_tokens": 5}
    reply = read("anthropic", [told("anthropic", given, stream=True)])
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.counted) == (900, 900, True)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 9}}, (70, 9)),
        (
            {"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 70, "completion_tokens": 9}}]},
            (70, 9),
        ),
        ({"x_groq": {"usage": {"prompt_tokens": 70, "completion_tokens": 9}}}, (70, 9)),
        ({"usage": {"input_tokens": 70, "output_tokens": 9}}, (70, 9)),
        ({"usage": {"total_tokens": 79, "completion_tokens": 9}}, (70, 9)),
        # What the model thought is in the total only.
        ({"usage": {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 179}}, (70, 109)),
        ({"usage": {"prompt_tokens": "70", "completion_tokens": 9.0}}, (70, 9)),
    ],
)
def test_usage_is_found_where_servers_put_it(event: dict[str, Any], expected: tuple[int, int]) -> None:
    found = read("openai", [sse(chunk(content=TEXT), event, chunk("stop"), done=True)]).usage
    assert (found.input_tokens, found.output_tokens) == expected


@wires
def test_a_later_zero_takes_nothing_back(wire: str) -> None:
    if wire == "openai":
        first = {**chunk(content=TEXT), "usage": {"prompt_tokens": 70, "completion_tokens": 9}}
        last = {**chunk("stop"), "usage": {"prompt_tokens": 0, "completion_tokens": 0}}
        stream = sse(first, last, done=True)
    else:
        opening = {"type": "message_start", "message": {"usage": {"input_tokens": 70}}}
        stream = sse(opening, start({"type": "text", "text": TEXT}), *end(input_tokens=0, output_tokens=9))
    found = read(wire, [stream]).usage
    assert (found.input_tokens, found.output_tokens) == (70, 9)


@wires
def test_calls_and_thoughts_are_written_too(wire: str) -> None:
    thought, arguments = "x" * 400, json.dumps({"q": "y" * 400})
    if wire == "openai":
        stream = sse(chunk(reasoning_content=thought), part("look", arguments, id="c"), done=True)
    else:
        blocks = [
            start({"type": "thinking", "thinking": thought}),
            start({"type": "tool_use", "name": "look"}, 1),
        ]
        stream = sse(*blocks, grow(1, type="input_json_delta", partial_json=arguments), *end())
    assert 200 <= read(wire, [stream]).usage.output_tokens <= 220


@pytest.mark.parametrize(
    ("answered", "wrote", "expected"),
    [(False, 0, None), (True, 0, (1_000, 0)), (False, 80, (1_000, 21)), (True, 80, (1_000, 21))],
)
def test_a_call_that_ends_without_a_reply_is_noted_once_the_model_had_begun(
    answered: bool, wrote: int, expected: tuple[int, int] | None
) -> None:
    consumed = Consumed(answered=answered)
    with pytest.raises(ModelTransient), usage.noted(consumed, SENT, lambda: wrote, free):
        raise ModelTransient("broken off")
    found = consumed.usage
    assert (None if found is None else (found.input_tokens, found.output_tokens)) == expected


def test_an_empty_reply_is_noted_as_its_provider_counted_it() -> None:
    reply = read("openai", [told("openai", {"prompt_tokens": 70, "completion_tokens": 9}, stream=False)])
    silent = ModelReply("", (), "stop", reply.usage, "x:test")
    consumed = Consumed()
    with pytest.raises(EmptyReply):
        usage.filled(silent, consumed)
    assert consumed.usage == reply.usage
