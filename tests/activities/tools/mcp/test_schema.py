"""Arguments are validated by a schema that a server wrote, which may be hostile."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from holdfast import ToolArgumentsInvalid
from holdfast_activities.tools.mcp.schema import ArgumentSchema

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"to": {"$ref": "#/$defs/place"}, "count": {"type": "integer", "minimum": 1}},
    "required": ["to"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "string", "minLength": 2}},
}


def problem(arguments: str, schema: dict[str, Any] = SCHEMA) -> str:
    with pytest.raises(ToolArgumentsInvalid) as invalid:
        ArgumentSchema(schema).read(arguments)
    return invalid.value.detail


def test_arguments_that_fit_are_returned_as_they_are() -> None:
    assert ArgumentSchema(SCHEMA).read('{"to": "Oslo", "count": 2}') == {"to": "Oslo", "count": 2}
    assert ArgumentSchema({"type": "object"}).read("") == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('{"count": 0}', "count: 0 is less than the minimum of 1; arguments: 'to' is a required property"),
        ('{"to": "x"}', "to: 'x' is too short"),
        ('{"to": "Oslo", "from": 1}', "'from' was unexpected"),
        ('{"to": ', "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ('{"to": NaN}', "not valid JSON"),
        ('{"to": "Oslo", "count": 1e999}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_arguments_that_do_not_fit_are_explained_to_the_model(arguments: str, message: str) -> None:
    assert message in problem(arguments)


def test_a_reference_to_another_document_is_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.settimeout(0.2)
        schema = {
            "type": "object",
            "properties": {"a": {"$ref": f"http://127.0.0.1:{outside.getsockname()[1]}/s"}},
        }
        assert "schema of this tool cannot be used" in problem('{"a": 1}', schema)
        with pytest.raises(TimeoutError):
            outside.accept()


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_a_regular_expression_that_never_ends_is_not_evaluated(keyword: str) -> None:
    evil = "^(a+)+$"
    inner: dict[str, Any] = {"pattern": evil} if keyword == "pattern" else {"patternProperties": {evil: {}}}
    text = "a" * 60 + "!"
    value = f'"{text}"' if keyword == "pattern" else f'{{"{text}": 1}}'
    began = time.monotonic()
    ArgumentSchema({"type": "object", "properties": {"x": inner}}).read(f'{{"x": {value}}}')
    assert time.monotonic() - began < 2


def test_a_schema_that_multiplies_itself_is_left_to_the_server() -> None:
    levels = 40
    definitions = {
        f"l{level}": {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}, {"$ref": f"#/$defs/l{level + 1}"}]}
        for level in range(levels)
    }
    schema = {"type": "object", "$ref": "#/$defs/l0", "$defs": {**definitions, f"l{levels}": {}}}
    began = time.monotonic()
    assert ArgumentSchema(schema).read('{"a": 1}') == {"a": 1}
    assert time.monotonic() - began < 10


def test_a_schema_in_a_circle_ends() -> None:
    assert "cannot be used" in problem("{}", {"type": "object", "$ref": "#"})
