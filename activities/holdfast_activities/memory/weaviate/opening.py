"""Opening a Weaviate store."""

from __future__ import annotations  # the store's module is imported when it is opened

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .location import Location
    from .store import WeaviateStore


async def open_weaviate(location: Location, *, lease: float = 5.0) -> WeaviateStore:
    """Return the store at a location. It connects at first use, so the server may be down.

    ``lease`` is the number of seconds for which a worker may use a collection without checking whether a migration
    has replaced it. It is the same for all workers.

    Raises:
        SettingsInvalid: The client is not installed.
    """
    from .store import WeaviateStore

    return WeaviateStore(location, lease)
