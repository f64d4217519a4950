"""In-memory cache of each tenant's vectors by version, and exact search over them.

A matrix is append-only: a changed record gets a new line and its old line is masked, so concurrent searches of
an older version are safe. Each search reads the tenant's version in the transaction that fetches the hits, so
a process never serves data that another process has changed.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast_activities.state.encryption.cipher import CLEAR, Cipher

from ...base import Filter, Vector
from ..connection import Connection
from ..records.rows import FLOAT16
from ..records.tenants import Tenant
from . import filter_columns as columns
from .collection import Stored
from .filter_columns import LINE, Lines, Names

CACHE_BYTES = 256 * 2**20
"""About 170,000 vectors of 384 numbers."""

_SLOT_BYTES = 1_000
"""Approximate overhead of a slot without its matrix; there may be very many tenants."""

_PART = 4_096
"""Vectors read from the database at once."""

_COUNT = "SELECT count(*) FROM vectors WHERE number >= ? AND number < ?"

_ALL = f"""SELECT {columns.COLUMNS}, value FROM vectors JOIN records USING (number)
    WHERE vectors.number > ? AND vectors.number < ? ORDER BY vectors.number LIMIT ?"""  # noqa: S608 - fixed names
_CHANGED = f"""SELECT {columns.COLUMNS}, value FROM records LEFT JOIN vectors USING (number)
    WHERE tenant = ? AND changed > ?"""  # noqa: S608 - fixed names

_Row = tuple[int, str, str, str, str, int, float, float, bytes | None]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A tenant's vectors at one version. Lines beyond ``alive`` belong to later versions."""

    tenant: int
    generation: int
    version: int
    vectors: npt.NDArray[np.float32]
    lines: Lines
    names: Names
    alive: npt.NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """Approximate memory use."""
        return self.vectors.nbytes + self.lines.nbytes + self.alive.nbytes + 100 * len(self.names)

    def nearest(self, vector: Vector, wanted: Filter, limit: int) -> list[tuple[int, float]]:
        """Return the numbers of the nearest records with their cosines, best first."""
        count = len(self.alive)
        lines: npt.NDArray[np.int64] = np.flatnonzero(
            self.alive & columns.chosen(self.lines[:count], self.names, wanted)
        )
        if not len(lines) or limit < 1:
            return []
        # Not ``@``: its threads wait for each other, which took 20 times as long on a busy machine.
        # Over all rows: selecting first would copy them.
        scores = np.vecdot(self.vectors[:count], _unit(vector))[lines]
        if limit < len(lines):
            best = np.argpartition(-scores, limit - 1)[:limit]
            lines, scores = lines[best], scores[best]
        numbers = self.lines["number"][lines]
        order = np.lexsort((numbers, -scores))
        return list(zip(numbers[order].tolist(), scores[order].tolist(), strict=True))


class MatrixCache:
    """LRU cache of matrices, bounded in bytes."""

    def __init__(self, most_bytes: int, cipher: Cipher = CLEAR) -> None:
        self._most = most_bytes
        self._cipher = cipher
        self._total = 0
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, CacheSlot] = OrderedDict()

    def slot(self, name: str) -> "CacheSlot":
        """Return the slot of a tenant."""
        with self._lock:
            slot = self._slots.setdefault(name, CacheSlot(self._cipher))
            self._slots.move_to_end(name)
            return slot

    def trim(self, used: "CacheSlot") -> None:
        """Evict the least recently used slots down to the bound; ``used`` is the slot that may have grown."""
        with self._lock:
            self._total += used.growth()
            while self._total > self._most and self._slots:
                _, slot = self._slots.popitem(last=False)
                self._total -= slot.evict()


class CacheSlot:
    """A tenant's newest matrix. Hold ``lock`` around the first read of a transaction and ``matrix``."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self.lock = threading.Lock()
        self._matrix: Matrix | None = None
        self._counted = 0
        self._evicted = False

    def matrix(self, connection: Connection, tenant: Tenant, stored: Stored) -> Matrix:
        """Return the tenant's matrix as of the transaction."""
        old = self._matrix
        if (
            old is None
            or (old.tenant, old.generation) != (tenant.number, stored.generation)
            # Removed rows leave no trace to follow.
            or old.version < tenant.removed
        ):
            self._matrix = old = _load(connection, tenant, stored, self._cipher)
        elif old.version < tenant.version:
            self._matrix = old = _append(connection, tenant, stored, old, self._cipher)
        return old

    def growth(self) -> int:
        """Return the growth in bytes since the last call."""
        if self._evicted:
            return 0
        before, self._counted = self._counted, _SLOT_BYTES + (self._matrix.nbytes if self._matrix else 0)
        return self._counted - before

    def evict(self) -> int:
        """Mark it as evicted; return the bytes it was counted with."""
        self._evicted = True
        return self._counted


def _load(connection: Connection, tenant: Tenant, stored: Stored, cipher: Cipher) -> Matrix:
    [count] = connection.execute(_COUNT, tenant.range()).fetchone()
    vectors = np.zeros((count, stored.collection.dimension), np.float32)
    lines, alive = np.zeros(count, LINE), np.ones(count, np.bool_)
    made = Matrix(tenant.number, stored.generation, tenant.version, vectors, lines, {}, alive)
    after, end = tenant.range()
    # In parts: as Python objects rows take several times the memory.
    for start in range(0, count, _PART):
        rows = connection.execute(_ALL, (after, end, _PART)).fetchall()
        _fill(made, start, rows, cipher)
        after = rows[-1][0]
    return made


def _append(connection: Connection, tenant: Tenant, stored: Stored, old: Matrix, cipher: Cipher) -> Matrix:
    """Return the matrix with later changes appended."""
    rows = connection.execute(_CHANGED, (tenant.number, old.version)).fetchall()
    count = len(old.alive)
    changed = np.array([row[0] for row in rows], np.int64)
    with_vectors = [row for row in rows if row[-1] is not None]
    alive = np.concatenate((old.alive, np.ones(len(with_vectors), np.bool_)))
    alive[:count] &= ~np.isin(old.lines["number"][:count], changed)
    if 2 * int(alive.sum()) < len(alive):
        return _load(connection, tenant, stored, cipher)
    vectors, lines = old.vectors, old.lines
    if len(alive) > len(vectors):
        # A quarter more than needed, so that repeated additions rarely copy.
        room = len(alive) + len(alive) // 4 + 8
        vectors = np.concatenate((vectors[:count], np.zeros((room - count, vectors.shape[1]), np.float32)))
        lines = np.concatenate((lines[:count], np.zeros(room - count, LINE)))
    made = Matrix(tenant.number, old.generation, tenant.version, vectors, lines, old.names, alive)
    _fill(made, count, with_vectors, cipher)
    return made


def _fill(matrix: Matrix, start: int, rows: Sequence[_Row], cipher: Cipher) -> None:
    """Write rows into a matrix from line ``start`` on, which no search reads yet."""
    if not rows:
        return
    stop = start + len(rows)
    values = np.frombuffer(b"".join(cipher.unseal(row[-1]) for row in rows if row[-1]), FLOAT16).astype(
        np.float32
    )
    vectors = values.reshape(len(rows), -1)
    # float16 rounding leaves lengths slightly off 1.
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix.vectors[start:stop] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    matrix.lines[start:stop] = columns.encode((row[:-1] for row in rows), matrix.names)


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm else vector
