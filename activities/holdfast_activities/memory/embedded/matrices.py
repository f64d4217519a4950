"""Each tenant's vectors in memory, kept by version, and the exact search over them.

A matrix is only ever added to: what changed gets a new line and its old one is left out,
so whoever searches an older state of it is not disturbed. Before each search the tenant's
version is read in the transaction that then fetches what was found; every process can
therefore keep its own copy, and none serves what another one has changed.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..base import Filter, Vector
from . import lines as columns
from .collection import Held
from .connection import Connection
from .lines import LINE, Lines, Names
from .rows import FLOAT16
from .tenants import Tenant

CACHE_BYTES = 256 * 2**20
"""About 170,000 vectors of 384 numbers."""

_PLACE_BYTES = 1_000
"""What a place takes besides its matrix, about; there may be one for each of very many tenants."""

_PART = 4_096
"""Vectors that are read from the file together."""

_COUNT = "SELECT count(*) FROM vectors WHERE number >= ? AND number < ?"

_ALL = f"""SELECT {columns.COLUMNS}, value FROM vectors JOIN records USING (number)
    WHERE vectors.number > ? AND vectors.number < ? ORDER BY vectors.number LIMIT ?"""  # noqa: S608 - fixed names
_CHANGED = f"""SELECT {columns.COLUMNS}, value FROM records LEFT JOIN vectors USING (number)
    WHERE tenant = ? AND changed > ?"""  # noqa: S608 - fixed names

_Row = tuple[int, str, str, str, str, int, float, float, bytes | None]

_Slots = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A tenant's vectors as they were at a version. Lines beyond ``alive`` belong to later versions."""

    tenant: int
    generation: int
    version: int
    vectors: npt.NDArray[np.float32]
    lines: Lines
    names: Names
    alive: npt.NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """What it takes of memory, about."""
        return self.vectors.nbytes + self.lines.nbytes + self.alive.nbytes + 100 * len(self.names)

    def nearest(self, vector: Vector, wanted: Filter, limit: int) -> list[tuple[int, float]]:
        """Numbers of the records nearest to a vector, best first, with their cosines."""
        count = len(self.alive)
        slots: _Slots = np.flatnonzero(self.alive & columns.chosen(self.lines[:count], self.names, wanted))
        if not len(slots) or limit < 1:
            return []
        # Not by ``@``, whose threads wait for each other: on a busy machine that took twenty times as long.
        # And all of them: picking the chosen ones out first would copy them.
        scores = np.vecdot(self.vectors[:count], _unit(vector))[slots]
        if limit < len(slots):
            best = np.argpartition(-scores, limit - 1)[:limit]
            slots, scores = slots[best], scores[best]
        numbers = self.lines["number"][slots]
        order = np.lexsort((numbers, -scores))
        return list(zip(numbers[order].tolist(), scores[order].tolist(), strict=True))


class Matrices:
    """Those that were used last, within a bound of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._total = 0
        self._lock = threading.Lock()
        self._places: OrderedDict[str, Place] = OrderedDict()

    def place(self, name: str) -> "Place":
        """Where a tenant's matrix is kept."""
        with self._lock:
            place = self._places.setdefault(name, Place())
            self._places.move_to_end(name)
            return place

    def trim(self, used: "Place") -> None:
        """Let go of what was not used for longest, until the rest is within the bound.

        Args:
            used: What was just used, and may have grown.
        """
        with self._lock:
            self._total += used.grown()
            while self._total > self._most and self._places:
                _, place = self._places.popitem(last=False)
                self._total -= place.let_go()


class Place:
    """A tenant's newest matrix. ``lock`` is held around the first read of a transaction and ``matrix``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._matrix: Matrix | None = None
        self._counted = 0
        self._gone = False

    def matrix(self, connection: Connection, tenant: Tenant, held: Held) -> Matrix:
        """The tenant's matrix as of the transaction."""
        old = self._matrix
        if (
            old is None
            or (old.tenant, old.generation) != (tenant.number, held.generation)
            # What was removed is not in the file any more to say so.
            or old.version < tenant.removed
        ):
            self._matrix = new = _load(connection, tenant, held)
        elif old.version < tenant.version:
            self._matrix = new = _follow(connection, tenant, held, old)
        else:
            new = old
        return new

    def grown(self) -> int:
        """By how many bytes, since it was asked last."""
        if self._gone:
            return 0
        before, self._counted = self._counted, _PLACE_BYTES + (self._matrix.nbytes if self._matrix else 0)
        return self._counted - before

    def let_go(self) -> int:
        """It is kept no longer; how many bytes it was counted with."""
        self._gone = True
        return self._counted


def _load(connection: Connection, tenant: Tenant, held: Held) -> Matrix:
    [count] = connection.execute(_COUNT, tenant.range()).fetchone()
    vectors = np.zeros((count, held.collection.dimension), np.float32)
    lines, alive = np.zeros(count, LINE), np.ones(count, np.bool_)
    made = Matrix(tenant.number, held.generation, tenant.version, vectors, lines, {}, alive)
    after, end = tenant.range()
    # In parts: as Python's objects they take several times the memory.
    for start in range(0, count, _PART):
        rows = connection.execute(_ALL, (after, end, _PART)).fetchall()
        _fill(made, start, rows)
        after = rows[-1][0]
    return made


def _follow(connection: Connection, tenant: Tenant, held: Held, old: Matrix) -> Matrix:
    """The matrix with what changed since."""
    rows = connection.execute(_CHANGED, (tenant.number, old.version)).fetchall()
    count = len(old.alive)
    changed = np.array([row[0] for row in rows], np.int64)
    with_vectors = [row for row in rows if row[-1] is not None]
    alive = np.concatenate((old.alive, np.ones(len(with_vectors), np.bool_)))
    alive[:count] &= ~np.isin(old.lines["number"][:count], changed)
    if 2 * int(alive.sum()) < len(alive):
        return _load(connection, tenant, held)
    vectors, lines = old.vectors, old.lines
    if len(alive) > len(vectors):
        # A quarter more than is needed, so that many single additions copy seldom.
        room = len(alive) + len(alive) // 4 + 8
        vectors = np.concatenate((vectors[:count], np.zeros((room - count, vectors.shape[1]), np.float32)))
        lines = np.concatenate((lines[:count], np.zeros(room - count, LINE)))
    made = Matrix(tenant.number, old.generation, tenant.version, vectors, lines, old.names, alive)
    _fill(made, count, with_vectors)
    return made


def _fill(matrix: Matrix, start: int, rows: Sequence[_Row]) -> None:
    """Write rows into a matrix's lines from ``start`` on, which nobody reads yet."""
    if not rows:
        return
    stop = start + len(rows)
    stored = np.frombuffer(b"".join(row[-1] for row in rows if row[-1]), FLOAT16).astype(np.float32)
    vectors = stored.reshape(len(rows), -1)
    # Two bytes a number leave a vector's length a little off one.
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix.vectors[start:stop] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    matrix.lines[start:stop] = columns.encode((row[:-1] for row in rows), matrix.names)


def _unit(vector: Vector) -> Vector:
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm else vector
