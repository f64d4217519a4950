"""Answers to forms: the part of JSON schema that MCP allows for elicitation, checked in workflow code."""

import json
from collections.abc import Mapping
from typing import Any, cast

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


def problem(form: Mapping[str, Any], text: str) -> str:
    """Why a text is not JSON that fits the form, for the person who wrote it; empty if it fits."""
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return f"the answer must be a JSON object with {', '.join(form.get('properties', {})) or 'no fields'}"
    answer = cast("dict[str, Any]", given)
    fields: dict[str, Any] = form.get("properties", {})
    if unknown := [name for name in answer if name not in fields]:
        return f"there is no field {unknown[0]!r}; the fields are: {', '.join(fields)}"
    if missing := [name for name in form.get("required", ()) if name not in answer]:
        return f"the field {missing[0]!r} is missing"
    found = (_field(fields[name], value) for name, value in answer.items())
    return next((f"{name}: {each}" for name, each in zip(answer, found, strict=True) if each), "")


def _field(schema: Mapping[str, Any], value: Any) -> str:
    kind = str(schema.get("type", "string"))
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in _TYPES and (
        not isinstance(value, _TYPES[kind]) or (kind in ("integer", "number") and not numeric)
    ):
        return f"must be of type {kind}"
    choices = _choices(schema)
    if choices and value not in choices:
        return f"must be one of {', '.join(map(str, choices))}"
    if isinstance(value, list):
        items = list[Any](value)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        allowed = _choices(cast("Mapping[str, Any]", schema.get("items", {})))
        if allowed and any(each not in allowed for each in items):
            return f"may contain {', '.join(map(str, allowed))}"
        return _within(schema, len(items), "minItems", "maxItems", "items")
    if isinstance(value, str):
        return _within(schema, len(value), "minLength", "maxLength", "characters")
    return _within(schema, value, "minimum", "maximum", "") if numeric else ""


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    options: list[Any] = schema.get("oneOf") or schema.get("anyOf") or []
    return list(schema.get("enum", ())) or [each["const"] for each in options if "const" in each]


def _within(schema: Mapping[str, Any], size: float, least: str, most: str, unit: str) -> str:
    if size < schema.get(least, size):
        return (
            f"must have at least {schema[least]} {unit}".rstrip()
            if unit
            else f"must be at least {schema[least]}"
        )
    if size > schema.get(most, size):
        return (
            f"must have at most {schema[most]} {unit}".rstrip() if unit else f"must be at most {schema[most]}"
        )
    return ""
