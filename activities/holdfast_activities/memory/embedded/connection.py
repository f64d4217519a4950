"""The database interface of the store. SQLite's connections satisfy it; ``postgres`` implements it.

Statements are written for both, with ``?`` placeholders.
"""

from __future__ import annotations  # a tenant's row is read by a connection

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ..base import Filter, Vector
    from .records.tenants import Tenant

T = TypeVar("T")

AT_ONCE = 500
"""Values in one list of a statement; both databases take some 32,000."""


class Rows(Protocol):
    """The result rows of a statement."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection to the database, used by one thread."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object: ...

    def close(self) -> None: ...


Work = Callable[[Connection], T]


Nearest = Callable[[Connection, "Tenant", "Vector", "Filter", int], list[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Backend:
    """A database for memories.

    Attributes:
        connect: Opens a connection for the calling thread.
        begin_read: Statement that begins a snapshot transaction.
        begin_write: Statement that begins a transaction and locks out other writers.
        size: Size of the memories in bytes.
        tidy: Releases unused storage, in bytes; manages its own transactions, as does ``checkpoint``.
        checkpoint: Removes erased data from the files.
        nearest: Vector search in the database; None if vectors are cached and compared in this process.
    """

    name: str
    connect: Callable[[], Connection]
    begin_read: str
    begin_write: str
    size: Work[int]
    tidy: Work[int]
    checkpoint: Work[None]
    nearest: Nearest | None = None


def marks(values: Sequence[object], mark: str = "?") -> str:
    """Return a placeholder for each value."""
    return ", ".join([mark] * len(values))


def portions(values: Iterable[T]) -> Iterator[list[T]]:
    """Split values into lists short enough for one statement."""
    every = list(values)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))
