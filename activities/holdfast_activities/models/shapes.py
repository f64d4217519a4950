"""JSON schemas in the subset that each provider accepts for structured output.

What a provider cannot express it does not enforce. Replies are validated against the whole schema.
"""

import re
from collections.abc import Callable
from typing import Any

from holdfast_workflows.contracts.agent.spec import OutputSpec
from holdfast_workflows.contracts.text.unicode import dump_json

Schema = dict[str, Any]

_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties")
_KEYWORDS = "type properties required additionalProperties items enum const anyOf $ref $defs definitions description title"
_STRICT = frozenset(_KEYWORDS.split())
_ANTHROPIC = _STRICT | {"allOf", "default", "format"}
_NOT_STRICT = frozenset(["allOf", "oneOf", "prefixItems", "patternProperties", "$dynamicRef"])
_SILENT = frozenset(["$schema", "$id", "$comment", "$anchor"])  # do not restrict a reply
_MAX_PROPERTIES, _MAX_VALUES, _MAX_DEPTH = 5_000, 1_000, 10
"""OpenAI's limits in strict mode: properties, enum values, and levels of nesting."""

_MAX_OPTIONAL, _MAX_UNIONS = 24, 16
"""Anthropic's limits: optional properties, and unions."""

PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""Names of properties that Anthropic accepts."""

_FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]
)


def in_words(output: OutputSpec) -> str:
    """An instruction with the schema, for models that cannot be bound to it."""
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
    """The schema with its objects closed, and whether it fits the strict mode.

    The strict mode refuses any keyword outside ``_STRICT``, so the others go into descriptions.
    """
    closed: Schema = _walk(schema, _closed)
    if not _can_be_strict(closed):
        return closed, False
    strict: Schema = _walk(closed, lambda node: _with_rest_in_words(node, _STRICT))
    return strict, True


def _closed(node: Schema) -> Schema:
    if node.get("type") == "object":
        node.setdefault("additionalProperties", False)
    return _with_items(node)


def _with_items(node: Schema) -> Schema:
    """OpenAI refuses arrays without ``items``, as tuples are."""
    if node.get("type") == "array":
        node.setdefault("items", {})
    return node


def _can_be_strict(schema: Schema) -> bool:
    strict = schema.get("type") == "object" and "anyOf" not in schema
    properties = values = 0

    def visit(node: Schema) -> Schema:
        nonlocal strict, properties, values
        named = node.get("properties", {})
        properties += len(named)
        values += len(node.get("enum", ()))
        reference = node.get("$ref")
        if (
            node.keys() & _NOT_STRICT
            or not node.keys() & {"type", "anyOf", "$ref"}
            or (reference is not None and (len(node) > 1 or not str(reference).startswith("#")))
            or (
                node.get("type") == "object"
                and (node["additionalProperties"] is not False or set(named) != set(node.get("required", ())))
            )
        ):
            strict = False
        return node

    _walk(schema, visit)
    return strict and properties <= _MAX_PROPERTIES and values <= _MAX_VALUES and _depth(schema) <= _MAX_DEPTH


def _depth(node: Any) -> int:
    """The depth of nested objects and arrays; references are not followed."""
    if not isinstance(node, dict):
        return 0
    schema: Schema = dict(node)  # pyright: ignore[reportUnknownArgumentType] - JSON
    parts: list[Any] = [part for key in _MAPS for part in schema.get(key, {}).values()]
    parts += [part for key in _LISTS for part in schema.get(key, ())]
    parts += [schema.get(key) for key in _ONE]
    own = 1 if schema.get("type") in ("object", "array") else 0
    return own + max(map(_depth, parts), default=0)


def _with_rest_in_words(node: Schema, keywords: frozenset[str]) -> Schema:
    kept = {key: value for key, value in node.items() if key in keywords}
    rest = {key: value for key, value in node.items() if key not in keywords and key not in _SILENT}
    if rest:
        kept["description"] = f"{kept.get('description', '')} {dump_json(rest)}".strip()
    return kept


def for_openai_tool(schema: Schema) -> Schema:
    """A tool's parameters as OpenAI accepts them."""
    found: Schema = _walk(schema, _with_items)
    return found


def for_anthropic(schema: Schema) -> Schema | None:
    """The enforceable part of the schema, the rest in descriptions; None if that would exclude valid replies."""
    fits = True
    optional = unions = 0

    def visit(node: Schema) -> Schema:
        nonlocal fits, optional, unions
        properties: Schema = node.get("properties", {})
        if node.get("type") == "object":
            if node.get("additionalProperties", False) is not False or not properties:
                fits = False
            node["additionalProperties"] = False
        optional += len(properties.keys() - set(node.get("required", ())))
        unions += "anyOf" in node or isinstance(node.get("type"), list)
        if not all(PROPERTY.fullmatch(name) for name in properties) or not _can_be_enforced(node):
            fits = False
        keywords = _ANTHROPIC if node.get("format") in _FORMATS else _ANTHROPIC - {"format"}
        return _with_rest_in_words(node, keywords)

    closed: Schema = _walk(schema, visit)
    fits = fits and optional <= _MAX_OPTIONAL and unions <= _MAX_UNIONS
    return closed if fits and not _recursive(schema) else None


def _can_be_enforced(node: Schema) -> bool:
    """Whether Anthropic accepts this part of a schema after other keywords moved into the description."""
    return not (
        node.keys() & {"oneOf", "prefixItems", "patternProperties"}
        or not node.keys() & {"type", "anyOf", "allOf", "$ref", "enum", "const"}
        or (node.get("type") == "array" and "items" not in node)
        or any("$ref" in part for part in node.get("allOf", ()))
        or any(isinstance(value, list | dict) for value in node.get("enum", ()))
        or not str(node.get("$ref", "#")).startswith("#")
    )


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
