"""The interface of the log, which SQLite and PostgreSQL implement."""

from collections.abc import Sequence
from typing import Protocol

from holdfast_workflows.contracts.session.entries import Entry

from .log.extras import LogExtras, Settled


class Log(Protocol):
    """A session's append-only content."""

    async def settle(self, session: str, entries: Sequence[Entry]) -> list[Entry]:
        """Write entries durably in one transaction, and return the entries now stored at their numbers.

        The first writer of a number wins: an existing entry is returned instead, and the caller
        continues with it.

        Raises:
            BadInput: The session's id cannot be a key (empty, NUL, lone surrogates), a number is
                negative or over 63 bits, or there are more than 1,000 entries.
            StateUnavailable: The database did not answer. The entries may be stored; repeating the call
                is safe.
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
