"""JSON that a model wrote: arguments of tools, and final replies of a given shape.

It is validated as JSON, so that strict models, dates, enums and tuples take what JSON can say of them.
Models often send a list or an object as its JSON text, or wrap a final reply in a markdown fence.
"""

import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Generic, NoReturn, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from .unicode import clean

_ROUNDS = 5
"""How deeply JSON text within JSON text is read."""

_LEAST_FENCE = 3
_MOST_THOUGHTS = 5

_STRUCTURED = frozenset(
    [
        "list_type",
        "tuple_type",
        "set_type",
        "frozen_set_type",
        "dict_type",
        "mapping_type",
        "model_type",
        "model_attributes_type",
        "dataclass_type",
        "iterable_type",
    ]
)
"""pydantic's words for: a list or an object was wanted."""

_LANGUAGE = re.compile(r"[\w+.-]*\s")
_THOUGHTS = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)

T = TypeVar("T")


class Digits(float):
    """A number that keeps the digits it was written with."""

    written: str

    @classmethod
    def read(cls, text: str) -> "Digits":
        """The number that a JSON text says."""
        made = cls(text)
        made.written = text
        return made

    @property
    def exact(self) -> bool:
        """Whether a float is written so, too: with all of its digits, and no zero that says how exact it is."""
        return repr(float(self)) == self.written


def parse(text: str) -> Any:
    """The value of a JSON text. Raw line breaks within strings are accepted; NaN and Infinity are not JSON.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, strict=False, parse_constant=_refuse_constant, parse_float=Digits.read)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Arguments.


class Reader(Generic[T]):
    """Reads values of a type from JSON that a model wrote."""

    def __init__(self, shape: type[T]) -> None:
        """For a type that pydantic knows."""
        adapter = TypeAdapter(shape)
        self._validator = adapter.validator
        made = _Decimals()
        schema = made.generate(adapter.core_schema)
        self._decimals = schema if made.found else None

    def read(self, text: str) -> T:
        """The value of a text.

        Raises:
            ValueError: It is not JSON, or does not fit (pydantic's ValidationError).
            RecursionError: It is nested too deeply.
        """
        return self.validate(parse(text))

    def validate(self, given: Any) -> T:
        """The value that one from ``parse`` fits as, with lists and objects read from JSON text where need be.

        Raises:
            ValidationError: It does not fit.
            ValueError: A number in it is too large.
        """
        for left in reversed(range(_ROUNDS)):
            if self._decimals is not None:
                given = _with_digits(given, self._decimals, self._decimals)
            try:
                return self._validated(given)
            except ValidationError as error:
                changed = _with_text_read(given, error) if left else None
                if changed is None:
                    raise
                given = changed
        raise AssertionError("the last round returns or raises")

    def _validated(self, given: Any) -> T:
        try:
            text = json.dumps(given, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise ValueError("a number in it is too large") from None
        try:
            text.encode()
        except UnicodeEncodeError:
            return self._validated_in_python(given)
        found: T = self._validator.validate_json(text)
        return found

    def _validated_in_python(self, given: Any) -> T:
        """With a lone surrogate in it, which no parser of UTF-8 takes, but a plain str holds."""
        found: T
        try:
            found = self._validator.validate_python(given)
        except UnicodeError:
            pass
        except ValidationError as error:
            if all(problem["type"] != "string_unicode" for problem in error.errors(include_url=False)):
                raise
        else:
            return found
        # Where pydantic needs UTF-8 (keys, text with a bounded length) U+FFFD takes its place.
        found = self._validator.validate_python(_cleaned(given))
        return found


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def _with_text_read(given: Any, error: ValidationError) -> Any | None:
    """A copy with each text read that stands where a list or an object is wanted; None if nothing changed."""
    changed = False
    for problem in error.errors(include_url=False, include_context=False):
        if problem["type"] in _STRUCTURED and isinstance(problem["input"], str):
            given, read = _read_at(given, problem["loc"], problem["input"])
            changed = changed or read
    return given if changed else None


def _read_at(value: object, path: tuple[int | str, ...], text: str) -> tuple[object, bool]:
    """``value`` with the text at ``path`` replaced by what it says; and whether it was."""
    as_it_was = value
    if isinstance(value, str):
        found = _structure(value) if value == text else None
        return (value, False) if found is None else (found, True)
    for at, step in enumerate(path):
        # A path also names the members of unions, which are not in the data.
        copy: Any = None
        if isinstance(value, dict) and step in value:
            copy = dict(cast("dict[object, object]", value))
        elif isinstance(value, list) and isinstance(step, int) and step < len(cast("list[object]", value)):
            copy = list(cast("list[object]", value))
        if copy is not None:
            copy[step], read = _read_at(copy[step], path[at + 1 :], text)
            return copy, read
    return as_it_was, False


def _structure(text: str) -> object | None:
    """The list or object that a text says, if it says one."""
    try:
        found: object = parse(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list | dict) else None  # pyright: ignore[reportUnknownVariableType] - JSON


# Decimals.


def _with_digits(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    """The value with numbers as text where the schema wants a decimal that a float cannot hold."""
    nodes = _alternatives(schema, root)
    if isinstance(value, Digits):
        wanted = not value.exact and any(node.get(_DECIMAL) for node in nodes)
        return value.written if wanted else value
    if isinstance(value, list):
        return [
            _with_digits(item, {"anyOf": [_item(node, place) for node in nodes]}, root)
            for place, item in enumerate(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON
        ]
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            key: _with_digits(item, {"anyOf": [_member(node, key) for node in nodes]}, root)
            for key, item in members.items()
        }
    return value


_DECIMAL = "x-decimal"


class _Decimals(GenerateJsonSchema):
    """The JSON schema with decimals marked: a float would lose their digits."""

    found = False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Do nothing: this schema is not shown."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        """A mark."""
        self.found = True
        return {_DECIMAL: True}


def _item(node: Mapping[str, Any], place: int) -> Any:
    prefix = node.get("prefixItems", ())
    return prefix[place] if place < len(prefix) else node.get("items", {})


def _member(node: Mapping[str, Any], key: str) -> Any:
    properties = node.get("properties", {})
    return properties[key] if key in properties else node.get("additionalProperties", {})


def _alternatives(schema: Any, root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema, or those it chooses between, with references followed."""
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


# Final replies.


def bare(text: str) -> str:
    """The JSON of a final reply, without thoughts before it or the one markdown fence around it."""
    rest = text.removeprefix("\ufeff")
    if _is_json(rest):
        return rest
    for thought in islice(_THOUGHTS.finditer(rest), _MOST_THOUGHTS):
        candidate = _within_fence(rest[thought.end() :])
        if _is_json(candidate):
            return candidate
    fenced = _within_fence(rest)
    return fenced if _is_json(fenced) else text


def _within_fence(text: str) -> str:
    text = text.strip()
    for mark in ("`", "~"):
        fence = mark * (len(text) - len(text.lstrip(mark)))
        if len(fence) >= _LEAST_FENCE and text.endswith(fence):
            return _without_language(text[len(fence) : -len(fence)])
    return text


def _without_language(text: str) -> str:
    named = _LANGUAGE.match(text)
    return (text[named.end() :] if named else text).strip()


def _is_json(text: str) -> bool:
    try:
        output(text)
    except (ValueError, RecursionError):
        return False
    return True


def output(text: str) -> Any:
    """The value of a final reply.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def dump(value: Any) -> str:
    """The JSON text of a value from ``output``, its numbers with the digits that they were written with."""
    if isinstance(value, Digits):
        return value.written
    if isinstance(value, list):
        return f"[{', '.join(map(dump, cast('list[object]', value)))}]"
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return f"{{{', '.join(f'{json.dumps(key, ensure_ascii=False)}: {dump(part)}' for key, part in members)}}}"
    return json.dumps(value, ensure_ascii=False)


def _finite(text: str) -> Digits:
    value = Digits.read(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value
