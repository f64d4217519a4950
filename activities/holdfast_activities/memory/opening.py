"""Open the memories named by HOLDFAST_MEMORY_URL and HOLDFAST_EMBEDDINGS."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from holdfast_activities.models.config import ProviderConfig, providers_from
from holdfast_activities.state.encryption.cipher import CLEAR, Cipher, KeyCipher
from holdfast_activities.state.setup.location import PostgresLocation, SqliteLocation, locate
from holdfast_workflows.contracts.errors import BadInput, SettingsInvalid

from .base import MemoryStore
from .embedders import GuardedEmbedder, choose_embedder, no_embedder_warning
from .guard.guarded import guarded_store
from .memories import Memories

if TYPE_CHECKING:
    from holdfast_activities.resilience import Breakers

    from .encryption.encrypted import EncryptedStore

FILE = "memory.db"
"""File name of the embedded store."""

_log = logging.getLogger(__name__)

Open = Callable[..., Awaitable[MemoryStore]]
"""Opens a store; the embedded ones take ``cipher``."""


def make_memories(
    url: str,
    embeddings: str,
    home: Path,
    providers: Mapping[str, ProviderConfig] | None = None,
    breakers: "Breakers | None" = None,
    *,
    environ: Mapping[str, str] | None = None,
    state_url: str = "",
    cipher: Cipher = CLEAR,
) -> Memories:
    """Return the memories at a URL. They are opened at first use, so a worker starts while the store is down.

    Args:
        url: ``postgresql://…``, ``weaviate://…`` (see ``weaviate.parse``), ``sqlite:///path``; or empty for the
            state database if that is PostgreSQL, otherwise a file in ``home``.
        embeddings: See ``choose_embedder``.
        home: The folder for embedded files.
        providers: Model providers by name; by default those of the environment.
        breakers: The circuit breakers; None for deadlines only.
        environ: Where keys are looked up; the process environment by default.
        state_url: The workers' state database; empty without workers.
        cipher: Encrypts memories.

    Raises:
        SettingsInvalid: The URL or the embedder is invalid, the store cannot be encrypted, or the URL is a local file while the state database
            is shared with workers on other machines.
        EmbedderBroken: The embedder's key is missing.
    """
    found = os.environ if environ is None else environ
    name, open_store = _store(url.strip(), home, found, state_url, cipher)
    embedder = choose_embedder(
        embeddings, home, providers_from(found) if providers is None else providers, found
    )
    return Memories(
        guarded_store(name, open_store, breakers),
        None if embedder is None else GuardedEmbedder(embedder, breakers),
        warning=no_embedder_warning(home) if embedder is None and not embeddings.strip() else "",
    )


async def upgrade_memories(url: str, state_url: str, cipher: Cipher = CLEAR) -> bool:
    """Create the memory tables in PostgreSQL; return whether memories are stored there.

    The arguments are those of ``make_memories``.

    Raises:
        SettingsInvalid: The URL is invalid.
        MemoryUnavailable: The database does not answer, or the user may not create tables.
    """
    name, open_store = _store(url.strip(), Path(), os.environ, state_url, cipher)
    if name != "postgres":
        return False
    await (await open_store()).close()
    return True


async def open_unguarded(
    url: str,
    home: Path,
    state_url: str,
    cipher: Cipher,
    *,
    environ: Mapping[str, str] | None = None,
    create: bool = False,
) -> MemoryStore | None:
    """Open the memories, without deadlines and an embedder, to read or write all of them.

    None if they would be in the file of ``home`` and it does not exist, unless ``create``. The arguments are those of
    ``make_memories``, which raises the same.
    """
    name, open_ = _store(url.strip(), home, os.environ if environ is None else environ, state_url, cipher)
    if name == "embedded" and not url.strip() and not create and not (home / FILE).exists():
        return None
    return await open_()


async def open_store(url: str, home: Path, state_url: str, cipher: Cipher) -> "EncryptedStore | None":
    """Open the memories under keys, as ``open_unguarded`` does; None without keys or without a file."""
    if not isinstance(cipher, KeyCipher):
        return None
    from .encryption.encrypted import EncryptedStore

    store = await open_unguarded(url, home, state_url, cipher)
    assert store is None or isinstance(store, EncryptedStore)
    return store


def _store(
    url: str, home: Path, environ: Mapping[str, str], state_url: str, cipher: Cipher
) -> tuple[str, Open]:
    name, open_ = _clear_store(url, home, environ, state_url)
    if not isinstance(cipher, KeyCipher):
        return name, open_
    if name == "weaviate":
        raise SettingsInvalid(
            "HOLDFAST_MEMORY_URL: Weaviate compares vectors in the clear, and vectors reveal their texts. "
            "With HOLDFAST_KEYS use postgresql://… or sqlite:///path"
        )
    return name, partial(_open_encrypted, open_, cipher)


def _clear_store(url: str, home: Path, environ: Mapping[str, str], state_url: str) -> tuple[str, Open]:
    shared = _shared(state_url)
    scheme = url.partition(":")[0].partition("+")[0]
    try:
        if not url and shared:
            return _in_state(shared, home)
        if not url:
            return "embedded", partial(_open_file, home.absolute() / FILE)
        if scheme == "weaviate":
            from .weaviate import open_weaviate, parse

            return "weaviate", partial(open_weaviate, parse(url, environ))
        if scheme == "sqlite":
            return "embedded", _file(url, state_is_shared=shared is not None)
        if scheme == "postgresql":
            place = locate(url)
            assert isinstance(place, PostgresLocation)
            return "postgres", partial(_open_postgres, place)
    except BadInput as error:
        raise SettingsInvalid(f"HOLDFAST_MEMORY_URL: {error.detail}") from None
    raise SettingsInvalid(
        f"HOLDFAST_MEMORY_URL: {scheme}: is not a memory store. Use postgresql://…, weaviate://host:port, sqlite:///path, "
        "or leave it empty for the state database (if that is PostgreSQL) or a local file"
    )


def _shared(state_url: str) -> PostgresLocation | None:
    """The state database, if workers on other machines can share it."""
    try:
        place = locate(state_url) if state_url else None
    except BadInput as error:
        raise SettingsInvalid(f"HOLDFAST_STATE_URL: {error.detail}") from None
    return place if isinstance(place, PostgresLocation) else None


def _in_state(shared: PostgresLocation, home: Path) -> tuple[str, Open]:
    file = home.absolute() / FILE
    if file.exists():
        _log.warning(
            "%s is not used: memories are in the state database. To use the file, set HOLDFAST_MEMORY_URL=%s",
            file,
            f"sqlite:///{file}?local=true",
        )
    return "postgres", partial(_open_postgres, shared)


def _file(url: str, *, state_is_shared: bool) -> Open:
    parsed = make_url(url)
    local = parsed.query.get("local", "false")
    if local not in ("true", "false"):
        raise BadInput(f"local={local!r} is not valid. Use true or false")
    if state_is_shared and local == "false":
        raise BadInput(
            "this file is local to one machine, but HOLDFAST_STATE_URL is a database that several machines can share, so "
            "workers would not see each other's memories. Leave it empty to store memories in that database, or add "
            "?local=true to the URL to use the file"
        )
    place = locate(parsed.difference_update_query(["local"]).render_as_string(hide_password=False))
    assert isinstance(place, SqliteLocation)
    return partial(_open_file, place.path, synchronous=place.synchronous, busy_seconds=place.busy_seconds)


# The stores load numpy, and asyncpg or weaviate-client, so each is imported when it is opened.


async def _open_encrypted(open_: Open, cipher: KeyCipher) -> MemoryStore:
    from .embedded.store import EmbeddedStore
    from .encryption.encrypted import EncryptedStore

    store = await open_(cipher=cipher)
    assert isinstance(store, EmbeddedStore)
    return EncryptedStore(store, cipher)


async def _open_file(path: Path, **options: Any) -> MemoryStore:
    from .embedded.store import open_embedded

    return await open_embedded(path, **options)


async def _open_postgres(place: PostgresLocation, **options: Any) -> MemoryStore:
    from .embedded.postgres.postgres import open_postgres

    return await open_postgres(place, **options)
