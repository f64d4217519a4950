"""What a state store does; SQLite and PostgreSQL do it alike.

The log is the hot path and is written by prepared statements; everything else goes
through SQLModel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from holdfast_workflows.contracts.entries import Entry, Usage
from holdfast_workflows.contracts.steps import SettleInput, TurnRecord

from .log.extras import LogExtras, Settled
from .setup.identity import Identity
from .shared import Shared


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session's snapshot as stored. ``version`` counts its changes; times are seconds since 1970, UTC."""

    session: str
    agent: str
    digest: str
    tenant: str
    status: str
    seq: int
    turns: int
    version: int
    usage: Usage
    created: float
    updated: float
    user: str = ""


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

    async def settle_with(self, session: str, entries: Sequence[Entry], riders: LogExtras) -> Settled:
        """As ``settle``, with the riders in the same transaction: all of it is durable, or none.

        Riders are written also where an earlier writer's entry stands: its call was paid, too.
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


class State(Protocol):
    """The state database.

    Every method raises StateUnavailable if the database does not answer, and BadInput for
    an id that cannot be a key: empty, or with NUL or lone surrogates. Other text of people
    and programs is stored as ``contracts.text`` says: contents exactly, the rest cleaned.
    """

    @property
    def identity(self) -> Identity:
        """Which database this is, and where."""
        ...

    @property
    def log(self) -> Log: ...

    @property
    def shared(self) -> Shared:
        """What all workers share: the effect ledger, budgets, breakers, rate limits, kept replies."""
        ...

    async def ping(self) -> None:
        """Raise StateUnavailable unless the database answers and takes writes."""
        ...

    async def verify(self) -> None:
        """Raise StateReplaced if this is no longer the database that was opened."""
        ...

    async def save_spec(self, digest: str, body: str) -> None:
        """Keep a compiled agent spec (JSON) under its digest; writing it again is harmless."""
        ...

    async def load_spec(self, digest: str) -> str | None:
        """The spec of that digest."""
        ...

    async def pinned(self, agents: Sequence[str]) -> dict[str, int]:
        """How many sessions of these agents go on with each spec, by its digest."""
        ...

    async def open_session(self, session: str, agent: str, digest: str, tenant: str, user: str = "") -> None:
        """Create the session's row at version 0 unless it is there; one that was erased begins anew."""
        ...

    async def load_session(self, session: str) -> SessionRow | None:
        """The session's snapshot; None if it was erased."""
        ...

    async def knows(self, session: str) -> bool:
        """Whether the session ever began in this database, also where it was erased since."""
        ...

    async def settle_turn(self, change: SettleInput) -> int:
        """Write a turn and the snapshot at ``change.version + 1`` in one transaction; the new version.

        Repeating the same change is harmless: it changes nothing and returns the same version.

        Raises:
            VersionConflict: The stored version is not ``change.version``, or the session was never opened.
        """
        ...

    async def load_turns(self, session: str) -> list[TurnRecord]:
        """The session's turns in order."""
        ...

    async def load_turn(self, session: str, turn: int) -> TurnRecord | None:
        """A turn that has ended."""
        ...

    async def store_text(self, session: str, id: str, text: str) -> str:
        """Keep a large text and return its reference; the same id again keeps the first."""
        ...

    async def load_text(self, session: str, ref: str) -> str | None:
        """The text behind a reference."""
        ...

    async def close(self) -> None:
        """Finish waiting writes and close every connection."""
        ...
