"""Standard output and error, whatever they are connected to.

A character that the output's encoding lacks is replaced. Output that cannot be written (a full
disk, a pipe whose reader has left, a descriptor that is closed) ends the command with one line
on standard error. If standard error cannot be written either, only the exit code remains.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, Final, TextIO, cast

_STANDARD: Final = (0, 1, 2)


class OutputLost(Exception):
    """Standard output could not be written."""


class _Output(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from error


class _Errors(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """Take over the standard streams of this process."""
    _open_closed()
    for name, descriptor, kind in (("stdout", 1, _Output), ("stderr", 2, _Errors)):
        before: io.TextIOWrapper | None = getattr(sys, name)
        encoding = "utf-8" if before is None else before.encoding
        # Any: the types of what a text stream may wrap are private to the stubs.
        buffer: Any = (
            io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
            if before is None
            else before.detach()
        )
        stream = kind(
            buffer, encoding, "replace" if descriptor == 1 else "backslashreplace", line_buffering=True
        )
        setattr(sys, name, cast("TextIO", stream))
        setattr(sys, f"__{name}__", cast("TextIO", stream))


def finish() -> None:
    """Flush the buffers; OutputLost if that fails."""
    sys.stdout.flush()


def give_up() -> None:
    """Discard the rest of the output, so that the end of the process does not write it again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    with suppress(OutputLost, ValueError):
        sys.stdout.flush()


def _open_closed() -> None:
    """Open the descriptors of closed streams, or the next file or socket would get them."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            # Read-only: reads return the end of the file, and writes fail.
            opened = os.open(os.devnull, os.O_RDONLY)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
