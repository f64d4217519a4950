"""Records as rows, filters as conditions, vectors as bytes."""

import json
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeAlias

import numpy as np

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.unicode import clean

from ...base import Filter, Record, Vector
from ...keys import MAX_ID_CHARS, is_key
from ..connection import Connection, marks, portions

Value: TypeAlias = str | int | float | bytes | None

Row: TypeAlias = tuple[Value, ...]
"""The columns in ``COLUMNS``."""

NAMES = tuple(field.name for field in fields(Record) if field.name != "vector")
COLUMNS = ", ".join(NAMES)

_FETCH = f"SELECT number, {COLUMNS} FROM records WHERE number IN"  # noqa: S608 - fixed names

_SOURCES = NAMES.index("sources")
_FLOATS = {"at", "importance", "expires", "used"}
FLOAT16 = np.dtype("<f2")


def encode(record: Record) -> Row:
    """Convert a record to a row.

    Raises:
        BadInput: Its id is not a valid key, or a number is NaN.
    """
    if not is_key(record.id):
        raise BadInput(f"an id is empty, over {MAX_ID_CHARS} characters, or contains NUL or a lone surrogate")
    if any(math.isnan(number) for number in (record.at, record.importance, record.expires, record.used)):
        raise BadInput(f"{record.id}: a time or the importance is not a number")
    return tuple(_value(name, getattr(record, name)) for name in NAMES)


def _value(name: str, value: Any) -> Value:
    if name == "sources":
        return json.dumps(value)
    if isinstance(value, str):
        return clean(value)
    return float(value) if name in _FLOATS else value


def decode(row: Sequence[Any], vector: bytes | None = None) -> Record:
    """Convert a row to a record."""
    values: list[Any] = [*row, None if vector is None else np.frombuffer(vector, FLOAT16).astype(np.float32)]
    values[_SOURCES] = tuple(json.loads(values[_SOURCES]))
    return Record(*values)


def encode_vector(vector: Vector, dimension: int) -> bytes:
    """Convert a vector to float16 bytes.

    Raises:
        BadInput: It has another length, or is not finite.
    """
    check_vector(vector, dimension)
    return vector.astype(FLOAT16).tobytes()


def check_vector(vector: Vector, dimension: int) -> None:
    """Raise BadInput for a vector of another length, or one that is not finite."""
    if vector.shape != (dimension,):
        raise BadInput(
            f"a vector has the shape {vector.shape}; those of the memories have {dimension} numbers"
        )
    if not np.isfinite(vector).all():
        raise BadInput("a vector contains NaN or infinity")


def fetch(connection: Connection, numbers: Sequence[int]) -> dict[int, Record]:
    """Return records by number, without vectors."""
    return {
        row[0]: decode(row[1:])
        for some in portions(numbers)
        for row in connection.execute(f"{_FETCH} ({marks(some)})", some)
    }


def condition(wanted: Filter) -> tuple[str, list[Value]]:
    """Convert a filter to a SQL condition on ``records`` and its values."""
    parts: list[str] = []
    values: list[Value] = []

    def add(part: str, *more: Value) -> None:
        parts.append(part)
        values.extend(more)

    if wanted.scopes:
        add(f"scope IN ({marks(wanted.scopes)})", *map(clean, wanted.scopes))
    if wanted.kinds:
        add(f"kind IN ({marks(wanted.kinds)})", *wanted.kinds)
    if wanted.session:
        add("session = ?", clean(wanted.session))
    if wanted.topic:
        # The first half lets SQLite use the partial index.
        add("topic <> '' AND topic = ?", clean(wanted.topic))
    if not wanted.superseded:
        add("superseded_by = ''")
    if wanted.before:
        add("at < ?", wanted.before)
    if wanted.expired:
        add("expires > 0 AND expires <= ?", wanted.now)
    elif wanted.now:
        add("(expires = 0 OR expires > ?)", wanted.now)
    return " AND ".join(parts) or "TRUE", values
