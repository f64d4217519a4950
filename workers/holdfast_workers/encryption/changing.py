"""Adding, promoting and removing keys of the key file, and encrypting content again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from temporalio.client import Client

from holdfast_activities.memory.encryption.encrypted import EncryptedStore
from holdfast_activities.memory.opening import open_store
from holdfast_activities.state import State, open_state
from holdfast_activities.state.encryption.cipher import KeyCipher
from holdfast_temporal import connect
from holdfast_temporal.encryption import key_file, usage
from holdfast_temporal.encryption.keyring import SETTING, Keyring
from holdfast_temporal.encryption.references import Reference
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import KeyInUse, KeysInvalid
from holdfast_workflows.contracts.text.counting import count

_BATCH: Final = 200

Tell = Callable[[str], None]
"""Shows a line of progress."""


@dataclass(frozen=True)
class Uses:
    """How many rows and memories a key encrypted."""

    rows: int
    memories: int


def path_of(settings: Settings) -> Path:
    """The key file.

    Raises:
        KeysInvalid: There is no key file to change.
    """
    if not settings.keys.strip():
        raise KeysInvalid(f"{SETTING} is not set; set it to file:/path, and this command writes the file")
    path = Reference.parse(SETTING, settings.keys).path
    if path is None:
        raise KeysInvalid(
            f"{SETTING} is a variable, which this command cannot change; `holdfast keys add --print` prints a new line for it"
        )
    return path


def add(settings: Settings) -> tuple[key_file.Key, bool]:
    """Add a key that decrypts only, or the first one, which is the primary; return it, and whether it is the first."""
    path = path_of(settings)
    keys = _read(path) if path.exists() else ()
    key = key_file.new_key([each.id for each in keys])
    key_file.write(path, [*keys, key])
    return key, not keys


def promote(settings: Settings, id: str) -> str:
    """Make a key the primary, a new one without an id; return its id."""
    path = path_of(settings)
    keys = _read(path)
    chosen = key_file.new_key([key.id for key in keys]) if not id else _find(keys, id)
    key_file.write(path, [chosen, *(key for key in keys if key.id != chosen.id)])
    return chosen.id


async def remove(settings: Settings, id: str, tell: Tell) -> None:
    """Remove a key from the file.

    Raises:
        KeyInUse: It is the primary, or a row, a memory or a workflow still needs it.
    """
    path = path_of(settings)
    keys = _read(path)
    chosen = _find(keys, id)
    if chosen is keys[0]:
        raise KeyInUse(f"{id} is the primary key; make another key the primary with `holdfast keys rotate`")
    async with Stores(settings) as stores:
        uses = await stores.uses(id)
        if uses.rows or uses.memories:
            raise KeyInUse(
                f"{id} encrypted {count(uses.rows, 'row')} and {count(uses.memories, 'memory', 'memories')}"
            )
    client = await _connected(settings)
    found = await usage.needing(client, id, lambda count: tell(f"{count} workflows read"))
    if found:
        raise KeyInUse(f"{id} encrypted payloads of {found}, which Temporal keeps until its retention ends")
    key_file.write(path, [key for key in keys if key.id != id])


async def encrypt_again(settings: Settings, tell: Tell, *, temporal: bool = True) -> int:
    """Encrypt all content by the primary key; return the number of rows that could not be read.

    It can be interrupted and started again. Workers may run.
    """
    async with Stores(settings) as stores:
        unreadable = await stores.encrypt_again(tell)
    if temporal:
        await usage.renew(await _connected(settings))
        tell("bindings and schedules: done")
    return unreadable


class Stores:
    """The state database and the memories, opened under the keys of the settings."""

    def __init__(self, settings: Settings) -> None:
        keyring = settings.connection().keyring()
        if keyring is None:
            raise KeysInvalid(f"{SETTING} is not set")
        self.keyring: Keyring = keyring
        # What is clear is encrypted, too.
        self._cipher = KeyCipher(keyring, accept_clear=True)
        self._settings = settings
        self._stack = AsyncExitStack()
        self._state: State
        self._memories: EncryptedStore | None = None

    async def __aenter__(self) -> Stores:
        settings = self._settings
        self._state = await open_state(settings.state(), migrate=False, cipher=self._cipher)
        self._stack.push_async_callback(self._state.close)
        store = await open_store(settings.memory(), settings.home, settings.state(), self._cipher)
        if store is not None:
            self._stack.push_async_callback(store.close)
        self._memories = store
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def uses(self, key: str) -> Uses:
        """How much a key encrypted."""
        rows = await self._state.reencryption(self._cipher).using(key)
        return Uses(rows, await self._memories.using(key) if self._memories else 0)

    async def encrypt_again(self, tell: Tell) -> int:
        """Encrypt rows and memories by the primary key; return the number of unreadable rows."""
        rows = self._state.reencryption(self._cipher)
        left, done, unreadable = await rows.remaining(), 0, 0
        async for each in rows.run():
            done, unreadable = done + each.rewritten, unreadable + each.unreadable
            tell(f"{done} of {left} rows ({each.table})")
        memories = 0
        for tenant in await self._memories.tenants() if self._memories else ():
            assert self._memories is not None
            after: str | None = ""
            while after is not None:
                after, changed = await self._memories.encrypt_again(tenant, after, _BATCH)
                memories, after = memories + changed, after or None
                if changed:
                    tell(count(memories, "memory", "memories"))
        found = f"{count(done, 'row')} and {count(memories, 'memory', 'memories')}"
        tell(f"{found} encrypted by {self.keyring.primary}")
        return unreadable


async def _connected(settings: Settings) -> Client:
    # What is still clear must be read to be encrypted.
    return await connect(settings=replace(settings.connection(), accept_clear=True), folder=settings.home)


def _read(path: Path) -> tuple[key_file.Key, ...]:
    return key_file.parse(Reference(SETTING, path=path).read(), str(path))


def _find(keys: tuple[key_file.Key, ...], id: str) -> key_file.Key:
    found = next((key for key in keys if key.id == id), None)
    if found is None:
        raise KeysInvalid(f"no key has the id {id!r}; the ids are {', '.join(key.id for key in keys)}")
    return found
