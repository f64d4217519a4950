"""Events as JSON, and their ids."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from holdfast_client.reply import Reply
from holdfast_client.stream import events as stream_events
from holdfast_client.stream.event_mapping import call_started
from holdfast_client.stream.position import Position, TextPosition
from holdfast_workflows.contracts.errors import BadInput, ProviderQuota
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event

ODD = "nul \x00, lone surrogate \ud83d"
CLEAN = "nul \ufffd, lone surrogate \ufffd"

_VALUES: dict[str, Any] = {
    "id": "x",
    "arguments": {"of": [1.5, ODD]},
    "usage": Usage(input_tokens=3),
    "reply": Reply(text=ODD, turn=1, status="failed", error=ProviderQuota("no credit", retry_after=60.0)),
    "about": "effect",
}
_BY_TYPE: dict[Any, Any] = {int: 7, float: 1.5, bool: True}


def example(kind: type[Any]) -> Any:
    """An event with odd text in each of its texts."""
    values: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if name != "kind":
            values[name] = _VALUES.get(name, _BY_TYPE.get(field.annotation, ODD))
    return kind(**values)


@pytest.mark.parametrize("kind", stream_events.KINDS, ids=lambda kind: kind.__name__)
def test_every_event_becomes_json_and_is_read_back(kind: type[Any]) -> None:
    event = example(kind)
    text = event.model_dump_json()
    assert json.loads(text)["kind"] == event.kind
    adapter: TypeAdapter[stream_events.StreamEvent] = TypeAdapter(stream_events.StreamEvent)
    again = adapter.validate_json(text)
    assert type(again) is kind
    assert again.model_dump_json() == text
    assert adapter.dump_json(event).decode() == text
    assert adapter.json_schema(mode="serialization")["discriminator"]["propertyName"] == "kind"


def test_the_json_of_a_failed_turn_says_what_failed_and_when_to_try_again() -> None:
    reply = json.loads(example(stream_events.TurnEnded).model_dump_json())["reply"]
    assert (reply["text"], reply["output"]) == (CLEAN, None)
    error = ProviderQuota("no credit", retry_after=60.0)
    assert reply["error"] == {
        "code": "provider_quota",
        "message": str(error),
        "detail": "no credit",
        "id": "",
        "retryable": error.retryable,
        "retry_after": 60.0,
    }


@pytest.mark.parametrize(
    ("text", "arguments", "invalid"),
    [
        ('{"order": 42, "why": "late"}', {"order": 42, "why": "late"}, ""),
        ("", {}, ""),
        ("[1]", {}, "[1]"),
        ('{"order": NaN}', {}, '{"order": NaN}'),
        ("{order", {}, "{order"),
    ],
)
def test_arguments_are_an_object_or_the_models_invalid_text(
    text: str, arguments: dict[str, Any], invalid: str
) -> None:
    event = call_started(Event(n=0, kind="call_started", turn=1, name="look"), text)
    assert (event.arguments, event.invalid_arguments) == (arguments, invalid)


POSITION = Position.before(3)._replace(started=1 << 100, text=TextPosition(3, 1, "aa", 2, 9, "bb"))


def test_an_id_is_read_back_as_its_position() -> None:
    assert Position.decode(POSITION.encode("s-ä"), "s-ä") == POSITION
    assert POSITION.encode("s").isascii()
    assert len(POSITION.encode("s")) < 300


@pytest.mark.parametrize(
    "id",
    [
        "x",
        "1",
        "ä.ö",
        POSITION.encode("another"),
        POSITION.encode("s")[1:],
        POSITION.encode("s") + "0",
        POSITION._replace(turn=-1).encode("s"),
        "x" * 100_000,
    ],
    ids=["text", "number", "letters", "another session", "cut", "longer", "negative", "long"],
)
def test_an_id_of_no_event_of_the_session_is_refused(id: str) -> None:
    with pytest.raises(BadInput, match="Last-Event-ID") as caught:
        Position.decode(id, "s")
    assert len(str(caught.value)) < 500
