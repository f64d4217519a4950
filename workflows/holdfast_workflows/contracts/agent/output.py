"""Convert a Python type or a JSON schema to the shape of final replies."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from ..errors import InvalidDeclaration
from .spec import OutputSpec

OutputShape = type[Any] | Mapping[str, Any]
"""A pydantic model, a dataclass, a TypedDict, or a JSON schema of an object."""

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


def output_spec(shape: OutputShape) -> OutputSpec:
    """Return the output specification of a type or schema.

    Raises:
        InvalidDeclaration: It has no JSON schema, or its root is not an object.
    """
    if isinstance(shape, Mapping):
        name, schema = str(shape.get("title", "")), _plain_json(shape)
    else:
        name, schema = getattr(shape, "__name__", ""), _schema_of(shape)
    schema = _with_root_inlined(schema)
    if schema.get("type") != "object":
        raise InvalidDeclaration(
            f"output={_shown(shape)} is not an object: providers accept only objects at the root; "
            "give a pydantic model, dataclass or TypedDict with the value as a field"
        )
    return OutputSpec(name=_NOT_IN_NAMES.sub("_", name).strip("_")[:64] or "output", json_schema=schema)


def _schema_of(shape: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(shape).json_schema()
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidDeclaration(f"output={_shown(shape)} has no JSON schema: {reason}") from error


def _plain_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the schema, so that the caller cannot change the spec later."""
    try:
        copy: dict[str, Any] = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDeclaration(f"the output schema is not plain JSON: {error}") from error
    return copy


def _with_root_inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Inline the definition at the root, which recursive types refer to; providers require it there."""
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    definition = schema.get("$defs", {}).get(name)
    return {**definition, "$defs": schema["$defs"]} if definition else schema


def _shown(shape: OutputShape) -> str:
    return str(getattr(shape, "__name__", None) or repr(shape))[:100]
