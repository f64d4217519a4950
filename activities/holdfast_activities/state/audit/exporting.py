"""Export the heads of chains to a folder or a web address, out of reach of those who can change the database.

Each export is a file of its own, with the heads that have moved since the one before.
"""

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from holdfast_activities.scratch import remove_partial
from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.errors import AuditBroken, SettingsInvalid, StateUnavailable

from .heads import Export
from .store import AuditLog

SUFFIX: Final = ".audit-heads.json"

_ABANDONED: Final = 3_600.0
"""Seconds after which an incomplete file is that of a killed process."""

_SECONDS: Final = 30.0
"""The time that a web address has for its answer."""


async def export(log: AuditLog, keys: SigningKeys, database: str, place: str, now: float) -> int:
    """Export the heads that have moved since the last export to a folder or an address; return how many.

    Raises:
        AuditBroken: A head is not one that a worker has written, so it is not signed again. The others are exported.
        StateUnavailable: The place cannot be written.
    """
    moved = await log.unexported()
    heads = [head for head in moved if head.signed_by(keys) and await log.ends_with(head)]
    if heads:
        when = datetime.fromtimestamp(now, UTC)
        name = f"{when:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}{SUFFIX}"
        document = Export(database, now, heads).document(keys)
        await (_put if is_address(place) else _write)(place, name, document)
        await log.set_exported(heads)
    if broken := [head.tenant for head in moved if head not in heads]:
        raise AuditBroken(
            f"the head of the chain of tenant {broken[0]!r} is not the one that a worker has signed"
        )
    return len(heads)


def read_exports(folder: Path) -> list[Export]:
    """The exported documents of a folder.

    Raises:
        SettingsInvalid: The folder cannot be read.
        BadInput: A file is not an exported document.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
        return [Export.read(path.read_bytes(), path.name) for path in paths]
    except OSError as error:
        raise SettingsInvalid(f"the exported heads in {folder}: {error.strerror}") from None


def is_address(place: str) -> bool:
    """Whether a place is a web address and not a folder."""
    return place.startswith(("https://", "http://"))


async def _write(folder: str, name: str, document: bytes) -> None:
    try:
        await asyncio.to_thread(_create, Path(folder), name, document)
    except OSError as error:
        raise StateUnavailable(f"audit heads cannot be exported to {folder}: {error.strerror}") from error


def _create(folder: Path, name: str, document: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    remove_partial(folder, f"*{SUFFIX}.part", _ABANDONED)
    # Under its name at once, so that no reader finds half of it.
    part = folder / f"{name}.part"
    with part.open("xb") as file:
        file.write(document)
        file.flush()
        os.fsync(file.fileno())
    part.rename(folder / name)


async def _put(address: str, name: str, document: bytes) -> None:
    import httpx

    base, _, query = address.partition("?")
    url = f"{base.rstrip('/')}/{name}" + (f"?{query}" if query else "")
    headers = {"content-type": "application/json"}
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            (await client.put(url, content=document, headers=headers)).raise_for_status()
    except httpx.HTTPError as error:
        reason = type(error).__name__
        if isinstance(error, httpx.HTTPStatusError):
            reason = f"status {error.response.status_code}"
        raise StateUnavailable(f"audit heads cannot be exported to {base}: {reason}") from None
