"""Values that the tools of a session keep: JSON under keys, each with a version."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..errors import VersionConflict
from ..public import public

LONGEST_VALUE: Final = 65_536
"""Characters of a value as JSON."""

_TRIES: Final = 20
"""Attempts of ``update`` while other calls of the session change the same value."""


@public
@dataclass(frozen=True)
class SessionValue:
    """A value of a session. ``version`` counts its changes; a value that was never written has version 0 and is None."""

    key: str
    value: Any = None
    version: int = 0


class ValueStore(Protocol):
    """Stores the values of the session of one call."""

    async def read(self, key: str) -> SessionValue:
        """The present value."""
        ...

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys with a value, sorted."""
        ...

    async def write(self, key: str, value: Any, over: int, number: int) -> SessionValue:
        """Write over a version; the ``number``-th write of the call returns what an earlier attempt wrote."""
        ...


Opener = Callable[[str, str, str, str], ValueStore]
"""Opens the store for a session, a tenant, an agent and a call's key."""

OPENER: ContextVar[Opener | None] = ContextVar("OPENER", default=None)
"""Set by the activities that run tools."""


@public
class SessionValues:
    """What the tools of a session remember between calls; made by ``ToolContext.state``.

    Keys are short names of letters, digits and ``_./:-``. Values are JSON of at most 65,536 characters. A retried
    call does not write twice: its n-th write returns what the n-th write of an earlier attempt wrote. A reset of the
    session's workflow does not undo writes.
    """

    def __init__(self, store: ValueStore) -> None:
        self._store = store
        self._writes = 0

    async def get(self, key: str, default: Any = None) -> Any:
        """The present value; ``default`` without one."""
        found = await self._store.read(key)
        return default if found.value is None else found.value

    async def read(self, key: str) -> SessionValue:
        """The present value with its version, for ``write``."""
        return await self._store.read(key)

    async def keys(self, prefix: str = "") -> tuple[str, ...]:
        """The keys with a value, sorted."""
        return await self._store.keys(prefix)

    async def write(self, key: str, value: Any, *, version: int) -> SessionValue:
        """Write a value over the version that was read, 0 for a new one; None removes it.

        Raises:
            VersionConflict: Another call has changed it since.
            BadInput: The key is not valid, or the value is not JSON or too long.
        """
        self._writes += 1
        return await self._store.write(key, value, version, self._writes)

    async def update(self, key: str, change: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value by what ``change`` returns for it, and return that; again if another call was faster.

        Raises:
            VersionConflict: Other calls change it all the time.
            BadInput: The key is not valid, or the value is not JSON or too long.
        """
        self._writes += 1
        for _ in range(_TRIES - 1):
            try:
                return await self._change(key, change, default)
            except VersionConflict:
                continue
        return await self._change(key, change, default)

    async def _change(self, key: str, change: Callable[[Any], Any], default: Any) -> Any:
        found = await self._store.read(key)
        new = change(default if found.value is None else found.value)
        return (await self._store.write(key, new, found.version, self._writes)).value
