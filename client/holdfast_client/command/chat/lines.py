"""Input and output of a chat without a terminal: one line of standard input is one message."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Protocol, Self

from ..common import printing
from ..common.screen import Screen

QUIT = "/quit"


class ChatInput(Protocol):
    """Where a chat reads lines and prints; entered before the first line is read."""

    lines: asyncio.Queue[str | None]
    """Lines that were entered; None is the end of the input."""
    asks: bool
    """Whether a pending decision is asked for, so that other text is not sent."""

    @property
    def screen(self) -> Screen:
        """Where events are printed."""
        ...

    def note(self, text: str, command: str = "") -> None:
        """Print a line about the chat itself, and a command to copy."""
        ...

    def set_status(self, status: str) -> None:
        """Show what the session does."""
        ...

    async def __aenter__(self) -> Self:
        """Begin to read lines."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Stop reading."""
        ...


class LineInput:
    """Reads standard input in a thread; notes go to standard error, if that is a terminal."""

    asks = False

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.screen = Screen(printing.out())
        self._notes = printing.err()

    async def __aenter__(self) -> Self:
        # A daemon: a thread that waits for a line cannot be stopped and must not delay the exit.
        threading.Thread(target=self._read, args=(asyncio.get_running_loop(),), daemon=True).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def note(self, text: str, command: str = "") -> None:
        """Print a line on standard error."""
        self.screen.end()
        self._notes.print(printing.shown(f"{text} {command}".rstrip()), style="dim", markup=False)

    def set_status(self, status: str) -> None:
        """Do nothing: there is no place for a status."""

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        def put(line: bytes) -> None:
            loop.call_soon_threadsafe(self.lines.put_nowait, line.decode(errors="replace").strip())

        rest = b""
        # Not sys.stdin: a thread that waits in it holds its lock, and the interpreter cannot end.
        while part := os.read(0, 65_536):
            *complete, rest = (rest + part).split(b"\n")
            for line in complete:
                put(line)
        if rest:
            put(rest)
        loop.call_soon_threadsafe(self.lines.put_nowait, None)
