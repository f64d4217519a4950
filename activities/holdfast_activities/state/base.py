"""The interface of the log, which SQLite and PostgreSQL implement."""

from collections.abc import Sequence
from typing import Protocol

from holdfast_workflows.contracts.entries import Entry

from .log.extras import LogExtras, Settled


class Log(Protocol):
    """A session's append-only content."""

    async def settle(self, session: str, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries in one transaction, durably, and return what is now stored at their numbers.

        The first writer of a number wins: where an entry was there already, that one is
        returned instead, and the caller goes on with it.

        Raises:
            BadInput: The session's id cannot be a key (empty, NUL, lone surrogates), a number is
                negative or over 63 bits, or there are more than 1,000 entries.
            StateUnavailable: The database did not answer. Entries may have been written or not;
                settling them again is safe.
        """
        ...

    async def settle_with(self, session: str, entries: Sequence[Entry], extras: LogExtras) -> Settled:
        """As ``settle``, with the extras in the same transaction: all of it is durable, or none.

        Extras are written also where an earlier writer's entry stands: its call was paid, too.
        Entries may be none.
        """
        ...

    async def read(
        self, session: str, start: int, stop: int | None = None, *, limit: int | None = None
    ) -> list[Entry]:
        """Entries with ``start <= seq < stop`` in order, the first ``limit`` of them; gaps are missing."""
        ...

    async def close(self) -> None:
        """Finish waiting writes and close the connections."""
        ...
