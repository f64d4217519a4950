"""What the store needs of a database: SQLite's own connections have it, and ``postgres`` has one like them.

Statements are written so that both understand them, with ``?`` for values.
"""

from __future__ import annotations  # a tenant's row is read by a connection

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ..base import Filter, Vector
    from .tenants import Tenant

T = TypeVar("T")

AT_ONCE = 500
"""Values in one list of a statement; both databases take some 32,000."""


class Rows(Protocol):
    """What a statement gave."""

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
    """A database that memories are in.

    Attributes:
        name: The store's.
        connect: Makes a connection for the thread that calls it.
        begin_read: Begins a transaction that sees the database as it was at its first statement.
        begin_write: Begins a transaction while which nobody else writes.
        size: Bytes that the memories take.
        tidy: Gives back storage that nothing uses; how many bytes. Makes its own transactions, as the next.
        checkpoint: Has what was erased leave the files.
        nearest: Numbers of a tenant's records nearest to a vector, best first, with their cosines; None where the
            database cannot compare vectors, which are then kept in this process.
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
    """Marks for the values of a list."""
    return ", ".join([mark] * len(values))


def portions(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists that a statement takes."""
    every = list(values)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))
