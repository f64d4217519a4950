"""The location of a state database, from its URL."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from holdfast_workflows.contracts.errors import BadInput, SettingsInvalid
from holdfast_workflows.contracts.text.nearest import nearest, no_such

BUSY_SECONDS = 15.0
"""Seconds that a write waits for writers of other processes before it fails."""

_TYPO = 0.85
"""The similarity from which an unknown option counts as mistyped."""

_SYNCHRONOUS: dict[str, Literal["FULL", "NORMAL"]] = {"full": "FULL", "normal": "NORMAL"}
_SQLITE_OPTIONS = ("busy_seconds", "synchronous")
_FILE_OPTIONS = ("keep", "snapshot_bytes", "snapshot_seconds")
_USE: Final = "use sqlite:///path, file:/path or postgresql://…"

# Options that asyncpg reads, then the server parameters that clients set most often.
_NAMES = """
    host port dbname database user password passfile service sslmode sslcert sslkey sslrootcert sslcrl
    sslpassword sslnegotiation ssl_min_protocol_version ssl_max_protocol_version target_session_attrs
    krbsrvname gsslib

    application_name search_path statement_timeout lock_timeout deadlock_timeout client_encoding options
    idle_in_transaction_session_timeout idle_session_timeout transaction_timeout timezone role work_mem jit
    tcp_keepalives_idle tcp_user_timeout default_transaction_isolation
"""
_POSTGRES_OPTIONS = tuple(_NAMES.split())


@dataclass(frozen=True, slots=True)
class SqliteLocation:
    """A SQLite file. ``synchronous`` FULL survives a power cut, NORMAL only a crash of the process."""

    path: Path
    synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL"
    busy_seconds: float = BUSY_SECONDS

    @property
    def place(self) -> str:
        """For messages."""
        return f"sqlite:///{self.path.absolute()}"


@dataclass(frozen=True, slots=True)
class FileLocation(SqliteLocation):
    """A folder of snapshots and journals. ``path`` is the SQLite index that a process makes of them at its start.

    A snapshot is written when the journal has reached ``snapshot_bytes`` or ``snapshot_seconds``; ``keep`` are kept.
    """

    folder: Path = Path()
    keep: int = 3
    snapshot_bytes: int = 16 << 20
    snapshot_seconds: float = 3_600.0

    @property
    def place(self) -> str:
        """For messages."""
        return f"file:{self.folder}"


@dataclass(frozen=True, slots=True)
class PostgresLocation:
    """A PostgreSQL database. ``dsn`` is read by asyncpg, so its options are those of libpq."""

    dsn: str

    @property
    def place(self) -> str:
        """For messages: without user, password and options."""
        url = make_url(self.dsn)
        shown = URL.create("postgresql", host=url.host, port=url.port, database=url.database)
        socket = url.query.get("host", "")
        return f"{shown.render_as_string()} at {socket}" if socket else shown.render_as_string()


Location = SqliteLocation | FileLocation | PostgresLocation


def locate(url: str) -> Location:
    """Read a state URL; raise BadInput for another kind of URL or an unknown option.

    URLs are ``sqlite:///relative/path``, ``sqlite:////absolute/path`` (options ``synchronous`` and
    ``busy_seconds``), ``file:/absolute/folder`` or ``file:relative/folder`` (options ``keep``, ``snapshot_bytes`` and
    ``snapshot_seconds``), or ``postgresql://user:password@host:port/database``. A driver after ``+`` is ignored.
    """
    if url.partition(":")[0].lower() == "file":
        return _file(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError for a port that is not a number
        raise BadInput(f"it is not a database URL; {_USE}") from None
    match parsed.drivername:
        case "sqlite" | "sqlite+aiosqlite":
            return _sqlite(parsed)
        case "postgresql" | "postgresql+asyncpg":
            _check_postgres_options(parsed)
            return PostgresLocation(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
        case other:
            raise BadInput(f"no state store for {other}:; {_USE}")


def locate_state(url: str) -> Location:
    """``locate`` for HOLDFAST_STATE_URL; SettingsInvalid names the variable."""
    try:
        return locate(url)
    except BadInput as error:
        raise SettingsInvalid(f"HOLDFAST_STATE_URL: {error.detail}") from None


def _check_postgres_options(url: URL) -> None:
    # PostgreSQL has hundreds of parameters, so only names similar to known ones are refused here; the
    # server refuses the rest.
    known = {name.lower() for name in _POSTGRES_OPTIONS}
    unknown = sorted(name for name in url.query if name.lower() not in known)
    if mistyped := [name for name in unknown if nearest(name, _POSTGRES_OPTIONS, _TYPO)]:
        raise BadInput(f"the database URL: {no_such('option', mistyped, _POSTGRES_OPTIONS)}")


def _sqlite(url: URL) -> SqliteLocation:
    if not url.database or url.database == ":memory:":
        raise BadInput("a state database in memory would be lost with its process; name a file")
    options = dict(url.query)
    synchronous = _SYNCHRONOUS.get(str(options.pop("synchronous", "full")).lower())
    try:
        busy_seconds = float(str(options.pop("busy_seconds", BUSY_SECONDS)))
    except ValueError:
        raise BadInput("busy_seconds of the database URL is not a number; use seconds") from None
    if options:
        raise BadInput(f"the database URL: {no_such('option', sorted(options), _SQLITE_OPTIONS)}")
    if synchronous is None:
        raise BadInput("synchronous of the database URL is not valid; use full or normal")
    return SqliteLocation(Path(url.database), synchronous, busy_seconds)


def _file(url: str) -> FileLocation:
    parsed = urlsplit(url)
    path = unquote(parsed.path)
    if parsed.netloc not in {"", "localhost"} or not path.strip("/"):
        raise BadInput("a file store needs a folder; use file:/absolute/folder or file:relative/folder")
    given = dict(parse_qsl(parsed.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - _FILE_OPTIONS):
        raise BadInput(f"the URL of the file store: {no_such('option', unknown, _FILE_OPTIONS)}")
    options = {name: _whole(name, value) for name, value in given.items()}
    folder = Path(path).absolute()
    # The index is not flushed: it is made again from the other files.
    return FileLocation(folder / "index" / "state.db", "OFF", folder=folder, **options)


def _whole(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise BadInput(
            f"{name}={value} of the file store's URL is not valid; use a whole number of at least 1"
        )
    return int(value)
