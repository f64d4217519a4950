"""Temporary folders and partial files; what a killed process has left is removed by the next one."""

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "holdfast-scratch-"

_NEW: Final = 60.0
"""Seconds in which a new folder may not be locked yet."""


@contextmanager
def scratch_folder(purpose: str) -> Generator[Path]:
    """A temporary folder, removed after the block; it may have a whole copy of a state database.

    Its lock, which the kernel releases when the process ends, tells others that it is used.
    """
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{purpose}-") as name:
        lock = _locked(Path(name))
        try:
            yield Path(name)
        finally:
            if lock is not None:
                os.close(lock)


def remove_partial(folder: Path, pattern: str, seconds: float) -> None:
    """Delete the files of a pattern to which nothing was added for so long: their process was killed."""
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process has deleted it
            if path.stat().st_mtime < time.time() - seconds:
                path.unlink()


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is another user's, or was just removed
            if folder.stat().st_mtime < time.time() - _NEW and (lock := _locked(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock a folder and return its descriptor; None if it is used, or cannot be locked here."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
