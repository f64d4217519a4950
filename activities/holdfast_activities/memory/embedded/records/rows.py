"""Records as rows, filters as conditions, vectors as bytes."""

import json
import math
from collections.abc import Sequence
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

COLUMNS = (
    "id, scope, kind, text, at, speaker, session, place, importance, trust, sources, topic, superseded_by,"
    " expires, words, used, uses"
)

_FETCH = f"SELECT number, {COLUMNS} FROM records WHERE number IN"  # noqa: S608 - fixed names

FLOAT16 = np.dtype("<f2")


def encode(record: Record) -> Row:
    """The row of a record.

    Raises:
        BadInput: Its id cannot be a key, or a number is not one.
    """
    if not is_key(record.id):
        raise BadInput(
            f"an id is empty, over {MAX_ID_CHARS} characters, or holds NUL or half a surrogate pair"
        )
    if any(math.isnan(number) for number in (record.at, record.importance, record.expires, record.used)):
        raise BadInput(f"{record.id}: a time or the importance is not a number")
    text = (record.scope, record.kind, record.text)
    said = (record.speaker, record.session)
    return (
        record.id,
        *map(clean, text),
        float(record.at),
        *map(clean, said),
        record.place,
        float(record.importance),
        record.trust,
        json.dumps(record.sources),
        clean(record.topic),
        clean(record.superseded_by),
        float(record.expires),
        clean(record.words),
        float(record.used),
        record.uses,
    )


def decode(row: Sequence[Any], vector: bytes | None = None) -> Record:
    """The record of a row."""
    id, scope, kind, text, at, speaker, session, place, importance, trust = row[:10]
    sources, topic, superseded_by, expires, words, used, uses = row[10:]
    return Record(
        id=id,
        scope=scope,
        kind=kind,
        text=text,
        at=at,
        speaker=speaker,
        session=session,
        place=place,
        importance=importance,
        trust=trust,
        sources=tuple(json.loads(sources)),
        topic=topic,
        superseded_by=superseded_by,
        expires=expires,
        used=used,
        uses=uses,
        words=words,
        vector=None if vector is None else np.frombuffer(vector, FLOAT16).astype(np.float32),
    )


def encode_vector(vector: Vector, dimension: int) -> bytes:
    """The bytes of a vector, two for each of its numbers.

    Raises:
        BadInput: It is of another length, or has a value that is not a number.
    """
    check_vector(vector, dimension)
    return vector.astype(FLOAT16).tobytes()


def check_vector(vector: Vector, dimension: int) -> None:
    """Refuse a vector of another length, or with a value that is not a number."""
    if vector.shape != (dimension,):
        raise BadInput(f"a vector of shape {vector.shape}, where the memories' have {dimension} numbers")
    if not np.isfinite(vector).all():
        raise BadInput("a vector has a value that is not a number")


def fetch(connection: Connection, numbers: Sequence[int]) -> dict[int, Record]:
    """The records of some numbers, without vectors."""
    return {
        row[0]: decode(row[1:])
        for some in portions(numbers)
        for row in connection.execute(f"{_FETCH} ({marks(some)})", some)
    }


def condition(wanted: Filter) -> tuple[str, list[Value]]:
    """A filter as SQL over the columns of ``records``, with its values."""
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
        # The first half lets SQLite use the index of what has a topic.
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
