"""Whether an open SQLite file is still the one at its path.

A deleted or replaced file stays open: its writes are lost with the process, and other processes see
another database.
"""

import os
from pathlib import Path

from holdfast_workflows.contracts.errors import StateReplaced

_Node = tuple[int, int]


class FileWatch:
    """Compares the inodes of the file, its write-ahead log and its index with those at ``begin``."""

    def __init__(self, path: Path) -> None:
        # Absolute, since the process may change its working directory.
        self._paths = tuple(Path(f"{path.absolute()}{suffix}") for suffix in ("", "-wal", "-shm"))
        self._nodes: list[tuple[Path, _Node]] = []

    def begin(self) -> None:
        """Record the files; all exist once the database has been read."""
        self._nodes = [(path, node) for path in self._paths if (node := _node(path)) is not None]

    def check(self) -> None:
        """Raise StateReplaced if a file was deleted or replaced; three system calls."""
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
