"""What the vectors in the file are, and whether this process's are the same."""

from dataclasses import dataclass

from holdfast_workflows.contracts.errors import EmbeddingMismatch

from ..base import Collection
from .connection import Connection


@dataclass(frozen=True, slots=True)
class Held:
    """What the file holds. ``generation`` counts the migrations that came to their end."""

    collection: Collection
    begun: bool
    generation: int


def held(connection: Connection, begun: Collection | None = None) -> Held:
    """What the file holds.

    Args:
        connection: To the file.
        begun: What this process's vectors are, if it has said so.

    Raises:
        EmbeddingMismatch: The file holds others; another process may have migrated it meanwhile.
    """
    row = connection.execute("SELECT model, dimension, begun, generation FROM collection").fetchone()
    found = Held(Collection(row[0], row[1]), bool(row[2]), row[3])
    if begun is not None and begun != found.collection:
        raise _mismatch(found.collection, begun)
    return found


def indexing(connection: Connection) -> int:
    """Which version of the terms the records' words are of."""
    [version] = connection.execute("SELECT indexing FROM collection").fetchone()
    return int(version)


def set_indexing(connection: Connection, version: int) -> None:
    """Note which version they are of."""
    connection.execute("UPDATE collection SET indexing = ?", (version,))


def begin(connection: Connection, collection: Collection) -> None:
    """Make the file one for such vectors.

    Raises:
        EmbeddingMismatch: It holds others.
    """
    found = held(connection)
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
    return EmbeddingMismatch(f"they were embedded by {_say(found)}, and this worker has {_say(ours)}")


def _say(collection: Collection) -> str:
    return f"{collection.model} ({collection.dimension} numbers)" if collection.dimension else "no model"
