"""Open a state database."""

from typing import TYPE_CHECKING

from holdfast_activities.signing.keys import SigningKeys

from ..audit.heads import signer
from ..base import Log
from ..database import State
from ..encryption.cipher import CLEAR, Cipher
from ..log import postgres, sqlite
from .engines import make_engine
from .file_watch import FileWatch
from .identity import Identity
from .location import FileLocation, Location, SqliteLocation, locate_state
from .migrate import check, upgrade_at
from .reaching import named
from .transactions import Transactions

if TYPE_CHECKING:
    from ..files.store import FileStore


async def open_state(
    url: str,
    *,
    migrate: bool | None = None,
    scope: str = "",
    keys: SigningKeys | None = None,
    cipher: Cipher = CLEAR,
    take_lock: bool = True,
) -> State:
    """Open the state database at a URL.

    ``migrate`` creates or upgrades the tables first. Default: yes for SQLite, no for PostgreSQL, where an
    operator decides when. ``scope`` is the app whose breakers, rate limits and tenant accounts to use in a
    shared database. ``keys`` sign the heads of the audit log's chains. ``cipher`` encrypts content.

    A file store has one process, which has its lock; with ``migrate`` off, others may read it. With ``take_lock`` off,
    this process only reads what another one has open.

    Raises:
        StateInUse: Another process has the file store open.
        StateDamaged: The file store has lost commits.
        SettingsInvalid: The URL is not valid, the database refuses what it says, or its host is not known.
        StateNotMigrated: The tables are missing or old, and ``migrate`` is off.
        StateUnavailable: The database did not answer, or ``take_lock`` is off and no process has the file store open.
    """
    location = locate_state(url)
    if migrate is None:
        migrate = isinstance(location, SqliteLocation)
    with named(location):
        if isinstance(location, FileLocation):
            return await _open_files(location, migrate, take_lock, scope, keys, cipher)
        await (upgrade_at if migrate else check)(location)
        return await _open(location, scope, keys, cipher)


async def _open_files(
    location: FileLocation,
    migrate: bool,
    take_lock: bool,
    scope: str,
    keys: SigningKeys | None,
    cipher: Cipher,
) -> State:
    from ..files.store import acquire, release  # not loaded by workers on a database

    store = await acquire(location, migrate=migrate, take_lock=take_lock)
    try:
        await check(location)
        return await _open(location, scope, keys, cipher, store)
    except BaseException:
        if store:
            await release(store)
        raise


async def _open(
    location: Location,
    scope: str,
    keys: SigningKeys | None,
    cipher: Cipher,
    store: "FileStore | None" = None,
) -> State:
    identity, sign = Identity(location.place), signer(keys)
    watch = FileWatch(location.path) if isinstance(location, SqliteLocation) else None
    reading = isinstance(location, FileLocation) and store is None
    engine = make_engine(location, identity.verify_connection)
    transactions = Transactions(engine, watch, store, reading=reading)
    try:
        await identity.establish(transactions)
        if isinstance(location, SqliteLocation):
            assert watch is not None
            watch.begin()
            log: Log = await sqlite.open_log(location, watch, sign, cipher)
        else:
            log = await postgres.open_log(location, identity, sign, cipher)
    except BaseException:
        await engine.dispose()
        raise
    return State(transactions, log, identity, scope, keys, cipher)
