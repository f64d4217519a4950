"""Whether an open SQLite file is still the one at its path.

A file that is deleted or replaced stays open as it was: what is written to it is lost with the
process, and another process sees another database.
"""

import os
from pathlib import Path

from holdfast_workflows.contracts.errors import StateReplaced

_Node = tuple[int, int]


class FileWatch:
    """Knows the file, its write-ahead log and its index by their inodes, once ``begin`` was called."""

    def __init__(self, path: Path) -> None:
        # Absolute: the process may change its folder.
        self._paths = tuple(Path(f"{path.absolute()}{suffix}") for suffix in ("", "-wal", "-shm"))
        self._nodes: list[tuple[Path, _Node]] = []

    def begin(self) -> None:
        """Note which files are open; all are there once the database has been read."""
        self._nodes = [(path, node) for path in self._paths if (node := _node(path)) is not None]

    def check(self) -> None:
        """See that nothing was exchanged; three system calls.

        Raises:
            StateReplaced: A file was deleted, or another one is at its place.
        """
        for path, node in self._nodes:
            now = _node(path)
            if now != node:
                raise StateReplaced(
                    f"{path} was {'deleted' if now is None else 'replaced'} while it was open"
                )


def _node(path: Path) -> _Node | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - this is on the path of every write, and pathlib is slower
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
