"""Whether a PostgreSQL server archives its write-ahead log, so that it can be restored to any point in time."""

from dataclasses import dataclass

from sqlalchemy import text

from ..setup.engines import make_engine, unavailable
from ..setup.location import PostgresLocation, locate_state
from ..setup.reaching import named

_SETTINGS = """SELECT current_setting('archive_mode'), current_setting('wal_level'),
    coalesce(extract(epoch FROM last_archived_time), 0)::float8,
    coalesce(extract(epoch FROM last_failed_time), 0)::float8, failed_count FROM pg_stat_archiver"""


@dataclass(frozen=True, slots=True)
class Archiving:
    """The archiving of a server. Times are seconds since 1970, 0 for never."""

    mode: str
    wal_level: str
    archived: float
    failed: float
    failures: int

    @property
    def problem(self) -> str:
        """Why the server cannot be restored to any point in time; empty if it can."""
        if self.mode == "off":
            return "archive_mode is off"
        if self.wal_level == "minimal":
            return "wal_level is minimal; it must be replica"
        if self.failed > self.archived:
            return f"the last archive command failed ({self.failures:,} failures)"
        return "" if self.archived else "no segment of the write-ahead log was archived yet"


async def archiving(url: str) -> Archiving | None:
    """The archiving of the server at a URL; None for SQLite, which has none.

    Raises:
        StateUnavailable: The server did not answer.
    """
    location = locate_state(url)
    if not isinstance(location, PostgresLocation):
        return None
    engine = make_engine(location)
    try:
        with named(location), unavailable():
            async with engine.connect() as connection:
                row = (await connection.execute(text(_SETTINGS))).one()
    finally:
        await engine.dispose()
    return Archiving(*row)
