"""Files that take their names when they are complete, so that a killed command leaves no half of one."""

from __future__ import annotations

import glob
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from holdfast_workflows.contracts.errors import BadInput

_PARTIAL: Final = ".partial"

_ABANDONED: Final = 3_600.0
"""Seconds without a change after which a partial file is that of a killed command."""


def partial(path: Path) -> Path:
    """Return the path of a file while it is written, and remove what killed commands have left of it."""
    for each in path.parent.glob(f".{glob.escape(path.name)}.*{_PARTIAL}"):
        with suppress(OSError):
            if each.stat().st_mtime < time.time() - _ABANDONED:
                each.unlink()
    # Of its own: another command may write the same file.
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_PARTIAL}")


@contextmanager
def written(path: Path) -> Generator[TextIO]:
    """Write a text file in the block, in a folder that is made; after an error the file is what it was before.

    Raises:
        BadInput: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.resolve()
        if path.exists() and not path.is_file():  # such as /dev/stdout; a folder is refused by the system
            with path.open("w", encoding="utf-8") as file:
                yield file
            return
        part = partial(path)
        try:
            with part.open("w", encoding="utf-8") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error
