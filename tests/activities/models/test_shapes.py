from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, HttpUrl, TypeAdapter

from holdfast_activities.models.shapes import for_anthropic, for_openai, for_openai_tool


class City(BaseModel):
    """A city."""

    name: str
    people: int = Field(ge=0, description="How many live there.")


class Region(BaseModel):
    """A region with its cities."""

    title: str = Field(min_length=1, max_length=80)
    cities: list[City]
    capital: City | None


class Note(BaseModel):
    """A note with a field that may be left out."""

    text: str
    tag: str = "none"


class Tree(BaseModel):
    """A tree of trees."""

    leaves: list["Tree"]


REGION: dict[str, Any] = {
    "title": "North",
    "cities": [{"name": "Berg", "people": 3}],
    "capital": None,
}


def _objects(schema: Any) -> list[dict[str, Any]]:
    """Every part of a schema that describes an object."""
    if isinstance(schema, list):
        return [found for part in schema for found in _objects(part)]  # pyright: ignore[reportUnknownVariableType] - JSON
    if not isinstance(schema, dict):
        return []
    node: dict[str, Any] = dict(schema)  # pyright: ignore[reportUnknownArgumentType] - JSON
    return [found for part in node.values() for found in _objects(part)] + (
        [node] if node.get("type") == "object" else []
    )


def test_objects_are_closed_and_valid_replies_stay_valid() -> None:
    schema = Region.model_json_schema()
    closed, strict = for_openai(schema)
    assert strict
    for shape in (closed, for_anthropic(schema)):
        assert shape is not None
        assert len(_objects(shape)) == 2
        assert all(node["additionalProperties"] is False for node in _objects(shape))
        validator: Any = Draft202012Validator(shape)
        assert validator.is_valid(REGION)


def test_the_schema_given_is_not_changed() -> None:
    schema = Region.model_json_schema()
    for_openai(schema)
    for_anthropic(schema)
    assert schema == Region.model_json_schema()


def test_fields_that_may_be_left_out_turn_the_strict_mode_off() -> None:
    assert for_openai(Note.model_json_schema())[1] is False


@pytest.mark.parametrize(
    "more",
    [
        {"patternProperties": {"^a": {"type": "string"}}},
        {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]},
        {"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]},
        {"additionalProperties": {"type": "string"}},
    ],
    ids=str,
)
def test_a_shape_that_the_strict_mode_would_narrow_is_not_sent_as_strict(more: dict[str, Any]) -> None:
    assert for_openai({"type": "object", "properties": {}, **more})[1] is False


def test_limits_that_anthropic_refuses_become_words() -> None:
    shape = for_anthropic(Region.model_json_schema())
    assert shape is not None
    assert shape["properties"]["title"] == {
        "title": "Title",
        "type": "string",
        "description": '{"maxLength":80,"minLength":1}',
    }
    people = shape["$defs"]["City"]["properties"]["people"]
    assert people["description"] == 'How many live there. {"minimum":0}'


def test_a_schema_that_would_exclude_valid_replies_is_not_enforced() -> None:
    free = {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}
    assert for_anthropic(free) is None
    assert for_anthropic(Tree.model_json_schema()) is None
    assert for_openai(free)[1] is False


# A stand-in for OpenAI's own check of a schema in strict mode, from its documentation.

STRICT = {
    *(
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "$ref",
        "$defs",
    ),
    *("description", "title"),
}


def strict_problem(node: Any, where: str = "root") -> str:
    """Why OpenAI would refuse the schema in strict mode; empty if it would not."""
    if extra := set(node) - STRICT:
        return f"{where}: {extra} not permitted"
    if not node.keys() & {"type", "anyOf", "$ref"}:
        return f"{where}: schema must have a 'type' key"
    if "$ref" in node and len(node) > 1:
        return f"{where}: $ref cannot have keywords beside it"
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            return f"{where}: additionalProperties must be false"
        if set(node.get("required", [])) != set(node.get("properties", {})):
            return f"{where}: required must name every property"
    if node.get("type") == "array" and "items" not in node:
        return f"{where}: array schema missing items"
    parts = {**node.get("properties", {}), **node.get("$defs", {})}
    parts |= {f"any{i}": part for i, part in enumerate(node.get("anyOf", []))}
    parts |= {"items": node["items"]} if "items" in node else {}
    return next((found for name, part in parts.items() if (found := strict_problem(part, name))), "")


@pytest.mark.parametrize(
    "kind",
    [
        HttpUrl,
        set[str],
        Decimal,
        datetime,
        tuple[int, str],
        dict[str, int],
        list[Any],
        Any,
        Literal["a", 1],
        int | None,
        list[City] | City,
        Note,
    ],
    ids=str,
)
def test_what_is_sent_as_strict_openai_accepts(kind: Any) -> None:
    shape = type("Shape", (BaseModel,), {"__annotations__": {"value": kind, "other": str}})
    schema, strict = for_openai(TypeAdapter(shape).json_schema())
    assert not strict or strict_problem(schema) == ""


LEAVES: list[Any] = [
    {"type": "string", "format": "uri", "minLength": 1},
    {"type": "integer", "default": 1},
    {"enum": ["a", 1]},
    {"const": 1},
    {},
    {"type": "array"},
    {"$ref": "#/$defs/x", "description": "said"},
    {"type": ["string", "null"], "pattern": "(?=a)", "examples": ["a"]},
]


def _array(part: Any) -> Any:
    return {"type": "array", "items": part, "uniqueItems": True}


def _choice(parts: Any, key: str) -> Any:
    return {key: parts}


def _object(members: Any, optional: int) -> Any:
    return {"type": "object", "properties": members, "required": list(members)[optional:]}


def _map(part: Any) -> Any:
    return {"type": "object", "additionalProperties": part}


def _larger(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(st.sampled_from(["a", "b", "format", "größe"]), part, max_size=3)
    choices = st.lists(part, min_size=1, max_size=3)
    return st.one_of(
        st.builds(_array, part),
        st.builds(_choice, choices, st.sampled_from(["anyOf", "oneOf"])),
        st.builds(_object, members, st.integers(0, 1)),
        st.builds(_map, part),
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(st.sampled_from(LEAVES), _larger, max_leaves=8)


@given(SCHEMAS)
def test_any_schema_is_sent_as_its_provider_accepts_it(part: dict[str, Any]) -> None:
    given = {
        "type": "object",
        "properties": {"v": part},
        "required": ["v"],
        "$defs": {"x": {"type": "string"}},
    }
    schema, strict = for_openai(given)
    assert not strict or strict_problem(schema) == ""
    for_anthropic(given)
    assert all("items" in node for node in _arrays(for_openai_tool(given)))


def _arrays(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for part in schema for found in _arrays(part)]  # pyright: ignore[reportUnknownVariableType] - JSON
    if not isinstance(schema, dict):
        return []
    node: dict[str, Any] = dict(schema)  # pyright: ignore[reportUnknownArgumentType] - JSON
    return [found for part in node.values() for found in _arrays(part)] + (
        [node] if node.get("type") == "array" else []
    )


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"type": "array"},
        {"enum": [{"a": 1}]},
        {"allOf": [{"$ref": "#/$defs/x"}]},
        {"type": "object", "properties": {"größe": {"type": "string"}}},
        {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(25)}},
        {
            "type": "object",
            "properties": {f"p{i}": {"anyOf": [{"type": "string"}, {"type": "null"}]} for i in range(17)},
            "required": [f"p{i}" for i in range(17)],
        },
    ],
    ids=str,
)
def test_what_anthropic_cannot_enforce_is_described_in_words(part: dict[str, Any]) -> None:
    given = {
        "type": "object",
        "properties": {"v": part},
        "required": ["v"],
        "$defs": {"x": {"type": "string"}},
    }
    assert for_anthropic(given) is None
