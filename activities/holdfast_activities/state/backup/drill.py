"""A drill proves a backup: it is restored into a scratch place, compared, and everything in it is read."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from holdfast_activities import clock
from holdfast_activities.scratch import scratch_folder
from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.errors import BackupDamaged, BackupMissing, EncryptionError

from ..audit.verifying import verify
from ..encryption.cipher import CLEAR, Cipher
from ..setup.opening import open_state
from ..verification.contents import check_contents
from .file import Footer, MemoryPart
from .folder import newest_good, note_drill
from .memories import MemoryRows, Pages
from .restoring import restore

ProveMemories: TypeAlias = Callable[[Path, MemoryPart, Pages], Awaitable[int]]
"""Restores memories into a scratch folder, compares them, and returns how many there are."""


@dataclass
class DrillReport:
    """What a drill found. ``at`` is when the backup was made; without ``faults`` it can be restored and read."""

    path: str = ""
    database: str = ""
    at: float = 0.0
    tables: dict[str, int] = field(default_factory=dict[str, int])
    sessions: int = 0
    entries: int = 0
    memories: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


async def drill(
    place: Path,
    *,
    cipher: Cipher = CLEAR,
    keys: SigningKeys | None = None,
    max_age: float = 0.0,
    memories: ProveMemories | None = None,
) -> DrillReport:
    """Prove the backup at a place: the file, or the newest good one of a folder.

    A damaged backup in the folder that is newer than the proven one is a fault, as is one that is older than
    ``max_age`` seconds. A good drill of a folder leaves its time there, for the probe.
    """
    report, began = DrillReport(), time.monotonic()
    try:
        path, damaged = newest_good(place)
        report.path = str(path)
        report.faults += damaged
        with scratch_folder("drill") as folder:
            url = f"sqlite:///{folder}/state.db"
            header, footer = await restore(path, url)
            report.database, report.at = header.database, header.at
            report.tables = {name: rows for name, (rows, _) in footer.tables.items()}
            await _read(url, cipher, keys, report)
            await _prove_memories(path, folder, footer, memories, report)
    except (BackupDamaged, BackupMissing) as error:
        report.faults.append(error.detail or str(error))
    age = clock.now() - report.at
    if report.at and max_age and age > max_age:
        report.faults.append(f"{report.path} is {age / 60:,.0f} minutes old")
    if not report.faults:
        await asyncio.to_thread(_note, place, report)
    report.seconds = round(time.monotonic() - began, 3)
    return report


async def _prove_memories(
    path: Path, folder: Path, footer: Footer, prove: ProveMemories | None, report: DrillReport
) -> None:
    if footer.problem:
        report.faults.append(f"it has no memories: {footer.problem}")
    if footer.memories is not None and prove is not None:
        try:
            report.memories = await prove(folder, footer.memories, MemoryRows(path).pages)
        except EncryptionError as error:
            report.faults.append(f"unreadable: memories: {error.detail or error}")


def _note(place: Path, report: DrillReport) -> None:
    """Leave the time of a good drill in the folder; one that may only be read can be proven all the same."""
    if place.is_dir():
        try:
            note_drill(place, report.database)
        except OSError as error:
            report.notes.append(f"the time of this drill was not recorded: {error}")


async def _read(url: str, cipher: Cipher, keys: SigningKeys | None, report: DrillReport) -> None:
    """Read the restored database as a worker does, with the deployment's keys."""
    state = await open_state(url, migrate=False, keys=keys, cipher=cipher)
    try:
        contents = await check_contents(state)
        audit = await verify(state.audit, keys, database=state.identity.id)
    finally:
        await state.close()
    report.sessions, report.entries = contents.sessions, contents.entries
    report.faults += [f"{each.fault}: {each.detail}" for each in contents.findings]
    report.faults += [f"audit log: {each.fault}: {each.detail}" for each in audit.findings]
    if keys is None:
        report.notes.append("no signing key was given: signatures of the audit log were not checked")
