"""Appending to a journal."""

import os
from pathlib import Path

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import StateReplaced, StateUnavailable

from ..backup.file import sync_folder
from .lines import Changes, Header, header_line, seal

_flush = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Journal:
    """The journal that commits are appended to, one caller at a time. ``n`` is the number of the last commit."""

    def __init__(self, path: Path, n: int) -> None:
        self.path = path
        self.n = n
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._node = os.fstat(self._file)
        self.size = self._node.st_size
        self._before = self.size
        self._broken = ""

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """Create a journal; it has its name when its first line is on disk."""
        part = path.with_name(path.name + ".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(header_line(header))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
        return cls(path, header.first - 1)

    def append(self, changes: Changes) -> None:
        """Write a commit and flush it to disk.

        Raises:
            StateReplaced: The file was deleted or replaced.
            StateUnavailable: A flush failed before, so it is not known what is on disk.
            OSError: It could not be written; the journal is as it was.
        """
        self._check()
        line = memoryview(seal({"n": self.n + 1, "at": clock.now(), "changes": changes}))
        length = len(line)
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError:
            self._cut(self.size)
            raise
        try:
            _flush(self._file)
        except OSError as error:
            # A second flush may succeed without writing what the first one lost.
            self._broken = f"{self.path} could not be flushed ({error.strerror}); restart the worker"
            raise StateUnavailable(self._broken) from error
        self._before, self.size, self.n = self.size, self.size + length, self.n + 1

    def take_back(self) -> None:
        """Remove the last commit, whose transaction failed afterwards."""
        self._cut(self._before)
        self.size, self.n = self._before, self.n - 1

    def close(self) -> None:
        """Close the file; every line is on disk."""
        os.close(self._file)

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._file, size)
            _flush(self._file)
        except OSError as error:
            self._broken = (
                f"{self.path} could not be cut to {size} bytes ({error.strerror}); restart the worker"
            )
            raise StateUnavailable(self._broken) from error

    def _check(self) -> None:
        if self._broken:
            raise StateUnavailable(self._broken)
        try:
            same = os.path.samestat(os.stat(self.path), self._node)  # noqa: PTH116 - on the path of every commit
        except FileNotFoundError:
            same = False
        if not same:
            raise StateReplaced(f"{self.path} was deleted or replaced while it was open")
