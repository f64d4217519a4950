"""Open a state database."""

from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.errors import HoldfastError

from ..audit.heads import signer
from ..base import Log
from ..database import State
from ..encryption.cipher import CLEAR, Cipher
from ..log import postgres, sqlite
from .engines import make_engine
from .file_watch import FileWatch
from .identity import Identity
from .location import Location, SqliteLocation, locate_state
from .migrate import check, upgrade_at
from .reaching import named
from .transactions import Transactions


async def open_state(
    url: str,
    *,
    migrate: bool | None = None,
    scope: str = "",
    keys: SigningKeys | None = None,
    cipher: Cipher = CLEAR,
) -> State:
    """Open the state database at a URL.

    ``migrate`` creates or upgrades the tables first. Default: yes for SQLite, no for PostgreSQL, where an
    operator decides when. ``scope`` is the app whose breakers, rate limits and tenant accounts to use in a
    shared database. ``keys`` sign the heads of the audit log's chains. ``cipher`` encrypts content.

    Raises:
        SettingsInvalid: The URL is not valid, the database refuses what it says, or its host is not known.
        StateNotMigrated: The tables are missing or old, and ``migrate`` is off.
        StateUnavailable: The database did not answer.
    """
    location = locate_state(url)
    if migrate is None:
        migrate = isinstance(location, SqliteLocation)
    with named(location):
        await (upgrade_at if migrate else check)(location)
        return await _open(location, scope, keys, cipher)


async def _open(location: Location, scope: str, keys: SigningKeys | None, cipher: Cipher) -> State:
    identity, sign = Identity(location.place), signer(keys)
    watch = FileWatch(location.path) if isinstance(location, SqliteLocation) else None
    transactions = Transactions(make_engine(location, identity.verify_connection), watch)
    try:
        await identity.establish(transactions)
        if isinstance(location, SqliteLocation):
            assert watch is not None
            watch.begin()
            log: Log = await sqlite.open_log(location, watch, sign, cipher)
        else:
            log = await postgres.open_log(location, identity, sign, cipher)
    except HoldfastError:
        await transactions.close()
        raise
    return State(transactions, log, identity, scope, keys, cipher)
