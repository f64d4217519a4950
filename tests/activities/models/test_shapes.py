from typing import Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from holdfast_activities.models.shapes import for_anthropic, for_openai


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


def test_a_shape_that_would_exclude_valid_replies_is_told_and_not_enforced() -> None:
    free = {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}
    assert for_anthropic(free) is None
    assert for_anthropic(Tree.model_json_schema()) is None
    assert for_openai(free)[1] is False
