"""Opening a state database."""

from . import postgres, sqlite
from .base import Log, State
from .database import Database
from .engines import make_engine
from .location import Location, SqliteLocation, locate
from .migrate import check, upgrade_at


async def open_state(url: str, *, migrate: bool | None = None) -> State:
    """Open the state database at a URL.

    Args:
        url: See ``locate``: ``sqlite:///path`` or ``postgresql://…``.
        migrate: Whether to make or upgrade the tables first. By default yes for a SQLite file,
            and no for PostgreSQL, where a person decides when.

    Raises:
        BadInput: The URL is not that of a state database.
        StateNotMigrated: The tables are missing or old, and were not to be made.
        StateUnavailable: The database did not answer.
    """
    location = locate(url)
    if migrate is None:
        migrate = isinstance(location, SqliteLocation)
    await (upgrade_at if migrate else check)(location)
    return Database(make_engine(location), await _open_log(location))


async def _open_log(location: Location) -> Log:
    if isinstance(location, SqliteLocation):
        return await sqlite.open_log(location)
    return await postgres.open_log(location)
