"""Where a state database is, from its URL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from holdfast_workflows.contracts.errors import BadInput

BUSY_SECONDS = 15.0
"""How long a write waits for the writers of other processes before it fails."""


@dataclass(frozen=True, slots=True)
class SqliteLocation:
    """A SQLite file. ``synchronous`` FULL survives a power cut, NORMAL only the death of processes."""

    path: Path
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    busy_seconds: float = BUSY_SECONDS


@dataclass(frozen=True, slots=True)
class PostgresLocation:
    """A PostgreSQL database. ``dsn`` is read by asyncpg, so its options are those of libpq."""

    dsn: str


Location = SqliteLocation | PostgresLocation


def locate(url: str) -> Location:
    """Read a state URL.

    Args:
        url: ``sqlite:///relative/path``, ``sqlite:////absolute/path`` (options ``synchronous``
            and ``busy_seconds``), or ``postgresql://user:password@host:port/database``. A driver
            after ``+`` may be named and changes nothing.

    Raises:
        BadInput: The URL is of another kind, or an option is unknown.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadInput(
            "HOLDFAST_STATE_URL is no database URL; write sqlite:///path or postgresql://…"
        ) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+aiosqlite":
            return _sqlite(parsed)
        case "postgresql" | "postgresql+asyncpg":
            return PostgresLocation(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
        case other:
            raise BadInput(f"no state store for {other}:; write sqlite:///path or postgresql://…")


def _sqlite(url: URL) -> SqliteLocation:
    if not url.database or url.database == ":memory:":
        raise BadInput("a state database in memory would be lost with its process; name a file")
    options = dict(url.query)
    synchronous = str(options.pop("synchronous", "full")).upper()
    try:
        busy_seconds = float(str(options.pop("busy_seconds", BUSY_SECONDS)))
    except ValueError:
        raise BadInput("busy_seconds is a number of seconds") from None
    if options:
        raise BadInput(f"unknown options in the state URL: {', '.join(sorted(options))}")
    path = Path(url.database)
    if synchronous == "FULL":
        return SqliteLocation(path, "FULL", busy_seconds)
    if synchronous == "NORMAL":
        return SqliteLocation(path, "NORMAL", busy_seconds)
    raise BadInput("synchronous is full or normal")
