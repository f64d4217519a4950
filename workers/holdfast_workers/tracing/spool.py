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
from opentelemetry.sdk.trace import ReadableSpan

from . import records

_LOCK: Final = "lock"
_RESOURCE: Final = "resource.json"
_NEW: Final = ".new-"


@dataclass
class Batch:
    """Ended spans, with the file that holds them until they are exported."""

    spans: list[ReadableSpan]
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
    _open: dict[int, bytes] = field(default_factory=dict[int, bytes])
    _ended: list[ReadableSpan] = field(default_factory=list[ReadableSpan])
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
        (new / _RESOURCE).write_text(resource.to_json(indent=None))
        # Under its final name only with the lock, so that no other process takes it for one without an owner.
        folder = new.rename(home / f"{os.getpid()}-{new.name.removeprefix(_NEW)}")
        spool = cls(folder, lock)
        spool._next_file()
        return spool

    def begin(self, span: ReadableSpan) -> None:
        """Write a span that begins."""
        line = records.line(records.encode(span))
        with self._guard:
            self._open[_id(span)] = line
            os.write(self._file, line)

    def end(self, span: ReadableSpan, *, dropped: bool = False) -> None:
        """Write the end of a span, or that it is ``dropped``."""
        found = {"dropped": records.encode(span)["id"]} if dropped else records.encode(span)
        line = records.line(found)
        with self._guard:
            self._open.pop(_id(span), None)
            os.write(self._file, line)
            if not dropped:
                self._ended.append(span)

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


@contextmanager
def orphan(folder: Path) -> Generator[list[ReadableSpan] | None]:
    """The spans in a folder without an owner; None if it has one. The block removes the folder when it has sent them."""
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


def _read(folder: Path) -> list[ReadableSpan]:
    files = sorted(folder.glob("*.jsonl"))
    died = max((file.stat().st_mtime_ns for file in files), default=0)
    attributes: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        attributes = json.loads((folder / _RESOURCE).read_text())["attributes"]
    resource = Resource(attributes)
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        for line in file.read_bytes().splitlines():
            with suppress(ValueError):  # the last line may be cut off
                one = json.loads(line)
                if "dropped" in one:
                    found.pop(_key(one["dropped"]), None)
                elif one["end"] is not None or _key(one["id"]) not in found:
                    found[_key(one["id"])] = one
    return [records.decode(each, resource, died) for each in found.values()]


def _key(id: list[Any]) -> str:
    return f"{id[0]}-{id[1]}"


def _id(span: ReadableSpan) -> int:
    return span.context.span_id if span.context else 0


def _try_lock(file: int) -> bool:
    import fcntl  # not on Windows, where this process keeps its spans in memory

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
