"""Spans on disk until they are exported.

A worker process writes a line when a span begins and another one when it ends, in a folder of its own. What it has
written outlives a kill, since the lines are in the system's page cache. The next process that looks finds the folder
without an owner and exports what is in it; a span that had begun and not ended is exported as lost. Nothing is
forced to disk: a machine that goes down loses the spans of the last second or so.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.resources import Resource

from . import records
from .records import Record

_LOCK: Final = "lock"
_RESOURCE: Final = "resource.json"
_NEW: Final = ".new-"
_DROPPED: Final = "dropped"


@dataclass
class Batch:
    """Ended spans, with the file that holds them until they are exported."""

    spans: list[Record]
    file: Path | None = None

    def exported(self) -> None:
        """Delete the file."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


@dataclass
class Spool:
    """The spans of this process. Thread-safe."""

    folder: Path
    _lock: int
    _number: int = 0
    _file: int = -1
    _open: dict[str, bytes] = field(default_factory=dict[str, bytes])
    _ended: list[Record] = field(default_factory=list[Record])
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def make(cls, home: Path, resource: Resource) -> Spool:
        """Make a folder that this process owns within ``home``.

        Raises:
            OSError: It cannot be written.
        """
        home.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=home))
        lock = os.open(new / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        _try_lock(lock)
        (new / _RESOURCE).write_text(resource.to_json(indent=None), "utf-8")
        # Under its final name only with the lock, so that no other process takes it for one without an owner.
        folder = new.rename(home / f"{os.getpid()}-{new.name.removeprefix(_NEW)}")
        spool = cls(folder, lock)
        spool._next_file()
        return spool

    def begin(self, record: Record) -> None:
        """Write a span that begins."""
        line = records.line(record)
        with self._guard:
            self._open[record["id"][1]] = line
            os.write(self._file, line)

    def end(self, record: Record, changed: Record) -> None:
        """Write the end of a span: what has ``changed`` since its begin. ``record`` is the whole of it."""
        line = records.line({"id": record["id"], **changed})
        with self._guard:
            self._open.pop(record["id"][1], None)
            os.write(self._file, line)
            self._ended.append(record)

    def drop(self, record: Record) -> None:
        """Write that a span is not to be exported."""
        line = records.line({"id": record["id"], _DROPPED: True})
        with self._guard:
            self._open.pop(record["id"][1], None)
            os.write(self._file, line)

    def take(self) -> Batch:
        """Return what has ended since, and go on in a new file. Each call shows that the process lives."""
        with self._guard:
            if not self._ended:
                os.utime(self._file)
                return Batch([])
            spans, self._ended = self._ended, []
            before = self._path
            self._next_file()
            os.write(self._file, b"".join(self._open.values()))
        return Batch(spans, before)

    def close(self) -> None:
        """Give the folder up. If files are left in it, another process exports them."""
        with self._guard:
            left = bool(self._open or self._ended)
            os.close(self._file)
            if not left:
                self._path.unlink(missing_ok=True)
            if not any(self.folder.glob("*.jsonl")):
                shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)

    @property
    def _path(self) -> Path:
        return self.folder / f"{self._number:09d}.jsonl"

    def _next_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._number += 1
        self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


@dataclass(frozen=True)
class Orphan:
    """What a killed process has left."""

    spans: list[Record]
    resource: Resource


@contextmanager
def orphan(folder: Path) -> Generator[Orphan | None]:
    """The spans in a folder without an owner; None if it has one. The block removes the folder once it has sent them."""
    try:
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:  # another process has just removed it
        yield None
        return
    try:
        yield _read(folder) if _try_lock(lock) else None
    finally:
        os.close(lock)


def folders(home: Path) -> list[Path]:
    """The folders of all processes, this one's too."""
    return [each for each in home.iterdir() if not each.name.startswith(_NEW)] if home.is_dir() else []


def _read(folder: Path) -> Orphan:
    files = sorted(folder.glob("*.jsonl"))
    died = max((file.stat().st_mtime_ns for file in files), default=0)
    attributes: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        attributes = json.loads((folder / _RESOURCE).read_text("utf-8"))["attributes"]
    found: dict[str, Record] = {}
    for file in files:
        for line in file.read_bytes().splitlines():
            with suppress(ValueError):  # the last line may be cut off
                _merge(found, json.loads(line))
    spans = [each if each["end"] else records.lost(each, died) for each in found.values()]
    return Orphan(spans, Resource(attributes))


def _merge(found: dict[str, Record], line: Record) -> None:
    """Read a line: a begin, which a later file may repeat, an end, or a drop."""
    id = line["id"][1]
    if "name" in line:
        found.setdefault(id, line)
    elif _DROPPED in line:
        found.pop(id, None)
    elif (begun := found.get(id)) is not None:
        attributes = {**begun["attributes"], **line.pop("attributes", {})}
        found[id] = {**begun, **line, "attributes": attributes}


def _try_lock(file: int) -> bool:
    import fcntl  # not on Windows, where this process keeps its spans in memory

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
