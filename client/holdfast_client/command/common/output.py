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
    """Write what is still in the buffers.

    Raises:
        OutputLost: It could not be written.
    """
    sys.stdout.flush()


def give_up() -> None:
    """Drop what could not be written, so that the end of the process does not try again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    with suppress(OutputLost, ValueError):
        sys.stdout.flush()


def _open_closed() -> None:
    """Keep the descriptors of closed streams from being given to the next file or socket."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            # To be read only: reading it is at its end, and writing it fails as it should.
            opened = os.open(os.devnull, os.O_RDONLY)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
