"""The interface of the log, which SQLite and PostgreSQL implement."""

from collections.abc import Sequence
from typing import Protocol

from holdfast_workflows.contracts.session.entries import Entry

from .log.extras import LogExtras, Settled


class Log(Protocol):
    """A session's append-only content."""

    async def settle(self, session: str, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries durably in one transaction, and return the entries now stored at their numbers.

        The first writer of a number wins: an existing entry is returned instead. Raises BadInput for an id
        that cannot be a key, a number out of range or more than 1,000 entries, and StateUnavailable if the
        database did not answer: the entries may be stored, and repeating the call is safe.
        """
        ...

    async def settle_with(self, session: str, entries: Sequence[Entry], extras: LogExtras) -> Settled:
        """As ``settle``, with the extras in the same transaction; ``entries`` may be empty.

        Extras are written even if the entry exists, since its call was paid too.
        """
        ...

    async def read(
        self, session: str, start: int, stop: int | None = None, *, limit: int | None = None
    ) -> list[Entry]:
        """The first ``limit`` entries with ``start <= seq < stop`` in order; unused numbers are skipped."""
        ...

    async def close(self) -> None:
        """Finish waiting writes and close the connections."""
        ...
