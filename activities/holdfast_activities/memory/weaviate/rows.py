"""Records as Weaviate's objects, and back."""

import hashlib
import math
import random
import re
import uuid
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.unicode import clean

from ..base import Record, Vector
from ..keys import MAX_ID_CHARS, is_key, is_tenant
from .library import DataObject, Object

NEVER = 1e15
"""When a record without an expiry ends, in seconds, so that one comparison does for all."""

_TENANT = re.compile(r"[A-Za-z0-9_-]{1,60}")
_NAMESPACE = uuid.UUID("6f0f3c0e-5d0b-5a0f-9d51-7a3a6d3f6a11")

FIELDS = [
    "ident", "scope", "kind", "text", "at", "speaker", "session", "place", "importance",
    "trust", "sources", "topic", "superseded_by", "expires", "used", "uses", "words",
]  # fmt: skip
"""What a record is made from; the rest is there to be filtered and sorted by."""

Row = Object[Mapping[str, Any], None]


def tenant_key(tenant: str) -> str:
    """The name of a tenant at the server, which takes 64 letters, digits, ``-`` and ``_``.

    Any other name is hashed; what it was stands in each of its records.
    """
    if _TENANT.fullmatch(tenant):
        return f"t-{tenant}"
    return f"h-{hashlib.sha256(tenant.encode()).hexdigest()[:60]}"


def object_id(id: str) -> uuid.UUID:
    """The server's id of a record; it is the key within its tenant."""
    return uuid.uuid5(_NAMESPACE, id)


def sort_key(id: str) -> str:
    """A text by which the server sorts as ids are sorted; its own order leaves out case and signs."""
    return id.encode("utf-8", "surrogatepass").hex()


def exact(text: str) -> str:
    """A text for exact comparison: the server trims what it compares, and cannot look for an empty one."""
    return f'"{clean(text)}"'


def to_object(
    tenant: str, record: Record, dimension: int, moved: int = 0
) -> DataObject[Mapping[str, Any], None]:
    """A record as an object.

    Args:
        tenant: Whose it is.
        record: The record.
        dimension: How long the vectors of the collection are.
        moved: When the object was written that a migration made this one from, in ms since 1970;
            0 for one that no migration made.

    Raises:
        BadInput: Its id or its tenant cannot be a key, a number is none, or its vector is of another length.
    """
    if not is_key(record.id) or not is_tenant(tenant):
        raise BadInput(
            f"an id is empty, over {MAX_ID_CHARS} characters, or holds NUL or half a surrogate pair"
        )
    if any(math.isnan(number) for number in (record.at, record.importance, record.expires, record.used)):
        raise BadInput(f"{record.id}: a time or the importance is not a number")
    return DataObject(
        uuid=object_id(record.id),
        properties=_properties(tenant, record) | {"moved": moved},
        vector=None if record.vector is None else _anew(numbers(record.vector, dimension)),
    )


def numbers(vector: Vector, dimension: int) -> list[float]:
    """A vector as the client takes it.

    Raises:
        BadInput: It has another length, or holds what is no number.
    """
    if vector.shape != (dimension,) or not np.isfinite(vector).all():
        raise BadInput(f"a vector here has {dimension} numbers; this one is of the shape {vector.shape}")
    return cast("list[float]", vector.tolist())


def _anew(values: list[float]) -> list[float]:
    """The same direction, at a length that differs a little each time.

    The server does not index a vector again that is as the object's was. If it was killed between storing an
    object and indexing it, writing it again would change nothing, and it would be found by words alone.
    """
    length = 1.0 - random.random() * 1e-4
    return [value * length for value in values]


def to_record(found: Row) -> Record:
    """An object as a record; with its vector if that was asked for."""
    row = dict(found.properties)
    vector = found.vector.get("default") if found.vector else None
    return Record(
        id=row["ident"],
        scope=row["scope"][1:-1],
        kind=row["kind"],
        text=row["text"],
        at=row["at"],
        speaker=row["speaker"],
        session=row["session"][1:-1],
        place=row["place"],
        importance=row["importance"],
        trust=row["trust"],
        sources=tuple(row["sources"] or ()),
        topic=row["topic"][1:-1],
        superseded_by=row["superseded_by"],
        expires=row["expires"],
        used=row["used"],
        uses=row["uses"],
        words=row["words"] or "",
        vector=_vector(vector) if vector else None,
    )


def _properties(tenant: str, record: Record) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "ident": record.id,
        "key": sort_key(record.id),
        "scope": exact(record.scope),
        "kind": record.kind,
        "text": clean(record.text),
        "at": float(record.at),
        "speaker": clean(record.speaker),
        "session": exact(record.session),
        "place": record.place,
        "importance": float(record.importance),
        "trust": record.trust,
        "sources": [clean(source) for source in record.sources],
        "topic": exact(record.topic),
        "superseded_by": clean(record.superseded_by),
        "superseded": bool(record.superseded_by),
        "expires": float(record.expires),
        "ends": float(record.expires) or NEVER,
        "used": float(record.used),
        "uses": record.uses,
        # Left out where there are none: an empty text would count where lengths are averaged.
        "words": clean(record.words) or None,
    }


def _vector(values: object) -> Vector:
    vector = np.asarray(cast("list[float]", values), dtype=np.float32)
    return vector / np.float32(np.linalg.norm(vector))
