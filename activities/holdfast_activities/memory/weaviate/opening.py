"""Opening a Weaviate store."""

from __future__ import annotations  # the store is named in a signature before its library is imported

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .location import Location
    from .store import WeaviateStore


LEASE_SECONDS = 5.0


async def open_weaviate(location: Location, *, lease: float = LEASE_SECONDS) -> WeaviateStore:
    """The store at a location; it connects when it is first used, so a server that is down is no error here.

    Args:
        location: See ``parse``.
        lease: Seconds for which a worker relies on what it knows of the collection: for so long it may go on
            using the one that a migration has replaced. The same for all workers.

    Raises:
        SettingsInvalid: The client is not installed.
    """
    from .store import WeaviateStore  # brings the client with it

    return WeaviateStore(location, lease)
