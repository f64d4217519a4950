"""Numbers from JSON that keep their digits, for fields of type ``Decimal``."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema

_DECIMAL = "x-decimal"


class Digits(float):
    """A number that keeps the digits it was written with."""

    written: str

    @classmethod
    def read(cls, text: str) -> "Digits":
        """Parse a JSON number."""
        made = cls(text)
        made.written = text
        return made

    @property
    def exact(self) -> bool:
        """Whether a float is written with the same digits, trailing zeros included."""
        return repr(float(self)) == self.written


class _Decimals(GenerateJsonSchema):
    """Generates a JSON schema in which decimals are marked; a float would lose their digits."""

    found = False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Ignore warnings, since the schema is internal."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        """Return the mark."""
        self.found = True
        return {_DECIMAL: True}


def decimal_schema(core_schema: Any) -> dict[str, Any] | None:
    """Return a type's JSON schema with decimals marked; None if the type has no decimals."""
    made = _Decimals()
    schema = made.generate(core_schema)
    return schema if made.found else None


def with_digits(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    """Return the value with text for numbers where the schema has a decimal that a float cannot hold."""
    nodes = _alternatives(schema, root)
    if isinstance(value, Digits):
        wanted = not value.exact and any(node.get(_DECIMAL) for node in nodes)
        return value.written if wanted else value
    if isinstance(value, list):
        return [
            with_digits(item, {"anyOf": [_item(node, place) for node in nodes]}, root)
            for place, item in enumerate(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON
        ]
    if isinstance(value, dict):
        return {
            key: with_digits(item, {"anyOf": [_member(node, key) for node in nodes]}, root)
            for key, item in cast("dict[str, Any]", value).items()
        }
    return value


def _item(node: Mapping[str, Any], place: int) -> Any:
    prefix = node.get("prefixItems", ())
    return prefix[place] if place < len(prefix) else node.get("items", {})


def _member(node: Mapping[str, Any], key: str) -> Any:
    properties = node.get("properties", {})
    return properties[key] if key in properties else node.get("additionalProperties", {})


def _alternatives(schema: Any, root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schema and its alternatives, with references followed."""
    if not isinstance(schema, dict):
        return []
    node = cast("dict[str, Any]", schema)
    if _DECIMAL in node:
        return [node]
    found: list[Mapping[str, Any]] = [node]
    if isinstance(node.get("$ref"), str):
        found += _alternatives(root.get("$defs", {}).get(node["$ref"].rpartition("/")[2]), root)
    for key in ("anyOf", "oneOf", "allOf"):
        for part in node.get(key, ()):
            found += _alternatives(part, root)
    return found
