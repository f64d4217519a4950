"""JSON schemas as providers accept them for structured output.

Each provider takes a part of JSON schema only. What cannot be expressed is not
enforced there; the reply is validated against the whole schema either way.
"""

from collections.abc import Callable
from typing import Any

from holdfast_workflows.contracts.spec import OutputSpec
from holdfast_workflows.contracts.text import dump_json

Schema = dict[str, Any]

_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties")
_ANTHROPIC = frozenset(
    [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "allOf",
        "$ref",
        "$defs",
        "definitions",
        "description",
        "title",
        "default",
        "format",
    ]
)
_FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]
)


def told(output: OutputSpec) -> str:
    """The shape in words, for models that cannot be bound to it."""
    schema = dump_json(output.json_schema)
    return f"Give your final reply as one JSON value and nothing else. It must fit this JSON schema: {schema}"


def _walk(node: Any, visit: Callable[[Schema], Schema]) -> Any:
    if not isinstance(node, dict):
        return node
    schema: Schema = dict(node)  # pyright: ignore[reportUnknownArgumentType] - JSON
    for key in _MAPS:
        if isinstance(schema.get(key), dict):
            schema[key] = {name: _walk(part, visit) for name, part in schema[key].items()}
    for key in _LISTS:
        if isinstance(schema.get(key), list):
            schema[key] = [_walk(part, visit) for part in schema[key]]
    for key in _ONE:
        if isinstance(schema.get(key), dict):
            schema[key] = _walk(schema[key], visit)
    return visit(schema)


def for_openai(schema: Schema) -> tuple[Schema, bool]:
    """The schema with its objects closed, and whether the strict mode takes it."""
    strict = True

    def visit(node: Schema) -> Schema:
        nonlocal strict
        if "$ref" in node and len(node) > 1:
            strict = False
        if node.get("type") == "object":
            node.setdefault("additionalProperties", False)
            properties = node.get("properties", {})
            if node["additionalProperties"] is not False or set(properties) != set(node.get("required", ())):
                strict = False
        if "allOf" in node or "oneOf" in node or "prefixItems" in node:
            strict = False
        return node

    closed: Schema = _walk(schema, visit)
    return closed, strict and closed.get("type") == "object"


def for_anthropic(schema: Schema) -> Schema | None:
    """The part of the schema that can be enforced, the rest in descriptions; None if it would exclude valid replies."""
    fits = True

    def visit(node: Schema) -> Schema:
        nonlocal fits
        if node.get("type") == "object":
            if node.get("additionalProperties", False) is not False or not node.get("properties"):
                fits = False
            node["additionalProperties"] = False
        kept = {key: value for key, value in node.items() if key in _ANTHROPIC}
        if kept.get("format") not in _FORMATS:
            kept.pop("format", None)
        rest = {key: value for key, value in node.items() if key not in kept}
        if rest.keys() & {"oneOf", "prefixItems", "patternProperties"}:
            fits = False
        if rest:
            kept["description"] = f"{kept.get('description', '')} {dump_json(rest)}".strip()
        return kept

    closed: Schema = _walk(schema, visit)
    return closed if fits and not _recursive(schema) else None


def _recursive(schema: Schema) -> bool:
    definitions: dict[str, Any] = schema.get("$defs", {})

    def names(node: Any) -> set[str]:
        found: set[str] = set()

        def visit(part: Schema) -> Schema:
            if isinstance(part.get("$ref"), str):
                found.add(part["$ref"].rpartition("/")[2])
            return part

        _walk(node, visit)
        return found

    direct = {name: names(part) for name, part in definitions.items()}

    def reaches(start: str) -> bool:
        waiting, seen = list(direct[start]), set[str]()
        while waiting:
            name = waiting.pop()
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                waiting.extend(direct.get(name, ()))
        return False

    return any(reaches(name) for name in direct)
