"""JSON that a model wrote, read as values of a Python type.

It is validated as JSON, so strict models, dates, enums and tuples accept their JSON forms. Models often send a
list or an object as a string with its JSON text; such strings are read too.
"""

import json
from typing import Any, Generic, NoReturn, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from .decimals import Digits, decimal_schema, with_digits
from .unicode import cleaned

_ROUNDS = 5
"""Levels of JSON text within JSON text that are read."""

_STRUCTURED = frozenset({
    "list_type", "tuple_type", "set_type", "frozen_set_type", "dict_type", "mapping_type", "model_type",
    "model_attributes_type", "dataclass_type", "iterable_type",
})  # fmt: skip
"""pydantic's error types for a value that should be a list or an object."""

T = TypeVar("T")


def parse(text: str) -> Any:
    """Parse JSON text. Raw line breaks within strings are accepted; NaN and Infinity are not JSON.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, strict=False, parse_constant=refuse_constant, parse_float=Digits.read)


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts."""
    raise ValueError(f"{name} is not JSON")


class Reader(Generic[T]):
    """Reads values of a type that pydantic knows from JSON that a model wrote."""

    def __init__(self, shape: type[T]) -> None:
        adapter = TypeAdapter(shape)
        self._validator = adapter.validator
        self._decimals = decimal_schema(adapter.core_schema)

    def read(self, text: str) -> T:
        """Read a value from JSON text.

        Raises:
            ValueError: It is not JSON, or does not fit (pydantic's ValidationError).
            RecursionError: It is nested too deeply.
        """
        return self.validate(parse(text))

    def validate(self, given: Any) -> T:
        """Validate a value from ``parse``; strings are read as JSON where a list or an object is expected.

        Raises:
            ValidationError: It does not fit.
            ValueError: A number in it is too large.
        """
        for left in reversed(range(_ROUNDS)):
            if self._decimals is not None:
                given = with_digits(given, self._decimals, self._decimals)
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
        """Validate text with a lone surrogate, which UTF-8 parsers refuse but a Python str can hold."""
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
        # Where pydantic needs UTF-8 (keys, text with a bounded length) U+FFFD replaces the surrogate.
        found = self._validator.validate_python(cleaned(given))
        return found


def _with_text_read(given: Any, error: ValidationError) -> Any | None:
    """Return a copy in which strings are read where lists or objects are expected; None if there are no such."""
    changed = False
    for problem in error.errors(include_url=False, include_context=False):
        if problem["type"] in _STRUCTURED and isinstance(problem["input"], str):
            given, read = _read_at(given, problem["loc"], problem["input"])
            changed = changed or read
    return given if changed else None


def _read_at(value: object, path: tuple[int | str, ...], text: str) -> tuple[object, bool]:
    """Return ``value`` with the ``text`` at ``path`` read as JSON, and whether it was read."""
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
    """Return the list or object that a text encodes, if any."""
    try:
        found: object = parse(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list | dict) else None  # pyright: ignore[reportUnknownVariableType] - JSON
