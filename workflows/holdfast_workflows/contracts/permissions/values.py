"""Values of arguments by path, such as ``order.items[0].cents``; ``[*]`` stands for every element."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python

from .rules import ALL_ARGUMENTS

MAX_VALUE: Final = 2_048
"""Bytes of an argument's JSON up to which rules judge it."""

MAX_VALUES: Final = 8_192
"""Bytes of all values of a call that rules judge."""

_STEP = re.compile(r"(?P<name>[^.\[\]*]+)|\[(?P<index>\d{1,9}|\*)\]|\.")


class Missing:
    """The mark of a value that is not there, or that is too long to be judged."""


MISSING: Final = Missing()


def as_list(value: object) -> list[Any]:
    """Return a list or tuple as a list; any other value as an empty one."""
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else []


def top(path: str) -> str:
    """Return the argument in which a path begins."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def valid(path: str) -> bool:
    """Whether a text is a path."""
    return bool(re.fullmatch(r"[^.\[\]*]+(\.[^.\[\]*]+|\[(\d{1,9}|\*)\])*", path))


def find(path: str, values: dict[str, Any]) -> list[Any]:
    """Return the values at a path: one, or one per element at ``[*]``; ``MISSING`` without one."""
    found: list[Any] = [values]
    for step in _STEP.finditer(path):
        name, index = step["name"], step["index"]
        if name is not None:
            found = [_member(each, name) for each in found]
        elif index == "*":
            found = [item for each in found for item in _items(each)]
        elif index is not None:
            found = [_item(each, int(index)) for each in found]
    return found or [MISSING]


def _member(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name, MISSING) if isinstance(value, dict) else MISSING


def _items(value: Any) -> list[Any]:
    items = as_list(value)
    return items if isinstance(value, list) else [MISSING]


def _item(value: Any, index: int) -> Any:
    items = _items(value)
    return items[index] if index < len(items) else MISSING


def values_of(arguments: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return validated arguments as JSON values; those that are too long, or not JSON, are left out."""
    plain = {
        name: float(value) if isinstance(value, Decimal) and value.is_finite() else value
        for name, value in arguments.items()
    }
    try:
        values = to_jsonable_python(plain, inf_nan_mode="strings")
    except (PydanticSerializationError, ValueError, RecursionError):
        return {}
    return judged(cast("dict[str, Any]", values), tuple(names))


def judged(arguments: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments that rules look at; those that are too long are left out."""
    kept, left = dict[str, Any](), MAX_VALUES
    for name in arguments if ALL_ARGUMENTS in names else names:
        if name not in arguments:
            continue
        try:
            weight = len(canonical(arguments[name]))
        except (ValueError, TypeError, RecursionError):
            continue
        if weight <= min(MAX_VALUE, left):
            kept[name] = arguments[name]
            left -= weight
    return kept


def canonical(value: Any) -> bytes:
    """Return one form of JSON for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(values: dict[str, Any]) -> str:
    """Return a digest of values, by which the call's activity knows that it runs what was judged."""
    return hashlib.sha256(canonical(values)).hexdigest()[:32]
