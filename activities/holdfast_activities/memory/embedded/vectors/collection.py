"""Which model made the stored vectors, and whether this process uses the same one."""

from dataclasses import dataclass

from holdfast_workflows.contracts.errors import EmbeddingMismatch

from ...base import Collection
from ..connection import Connection


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored collection. ``generation`` counts completed migrations."""

    collection: Collection
    begun: bool
    generation: int


def stored(connection: Connection, begun: Collection | None = None) -> Stored:
    """Read the stored collection.

    Raises:
        EmbeddingMismatch: It differs from ``begun``; another process may have migrated it.
    """
    row = connection.execute("SELECT model, dimension, begun, generation FROM collection").fetchone()
    found = Stored(Collection(row[0], row[1]), bool(row[2]), row[3])
    if begun is not None and begun != found.collection:
        raise _mismatch(found.collection, begun)
    return found


def indexing(connection: Connection) -> int:
    """Read the version of the terms in the records' words."""
    [version] = connection.execute("SELECT indexing FROM collection").fetchone()
    return int(version)


def set_indexing(connection: Connection, version: int) -> None:
    """Store the version of the terms."""
    connection.execute("UPDATE collection SET indexing = ?", (version,))


def begin(connection: Connection, collection: Collection) -> None:
    """Initialise the store for such vectors.

    Raises:
        EmbeddingMismatch: It holds vectors of another model.
    """
    found = stored(connection)
    if found.begun and found.collection == collection:
        return
    if found.collection != Collection() or (collection.dimension and _any_records(connection)):
        raise _mismatch(found.collection, collection)
    connection.execute(
        "UPDATE collection SET model = ?, dimension = ?, begun = 1", (collection.model, collection.dimension)
    )


def _any_records(connection: Connection) -> bool:
    return connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is not None


def _mismatch(found: Collection, ours: Collection) -> EmbeddingMismatch:
    return EmbeddingMismatch(
        f"they were embedded by {_describe(found)}, and this worker has {_describe(ours)}"
    )


def _describe(collection: Collection) -> str:
    return f"{collection.model} ({collection.dimension} numbers)" if collection.dimension else "no model"
