"""Convert records to Weaviate's objects and back."""

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

NEVER = 1e15  # end of a record without an expiry, in seconds, so that one comparison is enough

_TENANT = re.compile(r"[A-Za-z0-9_-]{1,60}")
_NAMESPACE = uuid.UUID("6f0f3c0e-5d0b-5a0f-9d51-7a3a6d3f6a11")

_PLAIN = (
    "kind", "text", "at", "speaker", "place", "importance", "trust", "superseded_by", "expires", "used", "uses",
)  # fmt: skip
_EXACT = ("scope", "session", "topic")
FIELDS = [*_PLAIN, *_EXACT, "ident", "sources", "words"]
"""Properties that a record is made of; the others are for filters and sorting."""

Row = Object[Mapping[str, Any], None]


def tenant_key(tenant: str) -> str:
    """Return the server's name of a tenant: up to 64 letters, digits, ``-`` and ``_``.

    Other names are hashed. The original is in each record.
    """
    if _TENANT.fullmatch(tenant):
        return f"t-{tenant}"
    return f"h-{hashlib.sha256(tenant.encode()).hexdigest()[:60]}"


def object_id(id: str) -> uuid.UUID:
    """Return the server's id of a record; it is the key within its tenant."""
    return uuid.uuid5(_NAMESPACE, id)


def sort_key(id: str) -> str:
    """Return a text that the server sorts like ids; its own order ignores case and punctuation."""
    return id.encode("utf-8", "surrogatepass").hex()


def exact(text: str) -> str:
    """Quote a text for exact comparison: the server trims texts, and cannot search for an empty one."""
    return f'"{clean(text)}"'


def to_object(
    tenant: str, record: Record, dimension: int, moved: int = 0
) -> DataObject[Mapping[str, Any], None]:
    """Convert a record.

    Args:
        tenant: Its tenant.
        record: The record.
        dimension: Vector length of the collection.
        moved: For an object made by a migration, when the original was written, in ms since 1970; otherwise 0.

    Raises:
        BadInput: An invalid id or tenant, a NaN, or a vector of another length.
    """
    if not is_key(record.id) or not is_tenant(tenant):
        raise BadInput(
            f"an id is empty, over {MAX_ID_CHARS} characters, or holds NUL or half a surrogate pair"
        )
    if any(math.isnan(number) for number in (record.at, record.importance, record.expires, record.used)):
        raise BadInput(f"{record.id}: a time or the importance is not a number")
    vector = None
    if record.vector is not None:
        # The server does not index an unchanged vector again. If it was killed between storing and indexing an
        # object, the same vector would never be indexed, so the length of the vector varies slightly.
        length = 1.0 - random.random() * 1e-4
        vector = [value * length for value in numbers(record.vector, dimension)]
    properties = _properties(tenant, record) | {"moved": moved}
    return DataObject(uuid=object_id(record.id), properties=properties, vector=vector)


def numbers(vector: Vector, dimension: int) -> list[float]:
    """Return a vector as a list.

    Raises:
        BadInput: It has another length, or a value that is not finite.
    """
    if vector.shape != (dimension,) or not np.isfinite(vector).all():
        raise BadInput(f"a vector here has {dimension} numbers; this one is of the shape {vector.shape}")
    return cast("list[float]", vector.tolist())


def to_record(found: Row) -> Record:
    """Convert an object; with its vector if it was requested."""
    row = found.properties
    values = found.vector.get("default") if found.vector else None
    vector = None
    if values:
        vector = np.asarray(cast("list[float]", values), dtype=np.float32)
        vector = vector / np.float32(np.linalg.norm(vector))
    return Record(
        id=row["ident"],
        sources=tuple(row["sources"] or ()),
        words=row["words"] or "",
        vector=vector,
        **{name: row[name] for name in _PLAIN},
        **{name: row[name][1:-1] for name in _EXACT},
    )


def _properties(tenant: str, record: Record) -> dict[str, Any]:
    plain = {name: getattr(record, name) for name in _PLAIN}
    return {
        **{name: clean(value) if isinstance(value, str) else value for name, value in plain.items()},
        **{name: float(plain[name]) for name in ("at", "importance", "expires", "used")},
        **{name: exact(getattr(record, name)) for name in _EXACT},
        "tenant": tenant,
        "ident": record.id,
        "key": sort_key(record.id),
        "sources": [clean(source) for source in record.sources],
        "superseded": bool(record.superseded_by),
        "ends": float(record.expires) or NEVER,
        # None if empty: an empty text would count in the average length.
        "words": clean(record.words) or None,
    }
