"""Programs in a pseudo-terminal, whose screen is read as a person sees it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pyte

ENTER, CTRL_C, CTRL_D, UP = "\r", "\x03", "\x04", "\x1b[A"


class _Screen(pyte.HistoryScreen):
    """A screen that answers the program's questions, such as where the cursor is."""

    def __init__(self, columns: int, lines: int, keyboard: int) -> None:
        super().__init__(columns, lines, history=5_000)
        self._keyboard = keyboard

    def write_process_input(self, data: str) -> None:
        os.write(self._keyboard, data.encode())


class Terminal:
    """A running program; made by ``terminal``."""

    def __init__(self, keyboard: int, columns: int, lines: int) -> None:
        self._keyboard = keyboard
        self.screen = _Screen(columns, lines, keyboard)
        self._stream = pyte.ByteStream(self.screen)
        self._changed = asyncio.Event()
        self.process: asyncio.subprocess.Process

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._keyboard, keys.encode())

    @property
    def lines(self) -> list[str]:
        """All lines, those that have left the screen included."""
        history: list[Any] = list(self.screen.history.top)
        gone = ["".join(row[at].data for at in range(self.screen.columns)) for row in history]
        return [line.rstrip() for line in (*gone, *self.screen.display)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, text: str, seconds: float = 60) -> None:
        """Wait until a text is on the screen or has been."""
        try:
            async with asyncio.timeout(seconds):
                while text not in self.text:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} is not shown:\n{self.text}") from None

    async def ended(self, seconds: float = 60) -> int:
        """Wait for the program's end and all its output; return its exit code."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
        self.read()
        return code

    def read(self) -> None:
        """Show what the program has written."""
        with suppress(OSError):  # nothing more, or no program any more
            while data := os.read(self._keyboard, 65_536):
                self._stream.feed(data)
        self._changed.set()


@asynccontextmanager
async def terminal(
    *words: str, columns: int = 80, lines: int = 24, environment: dict[str, str] | None = None
) -> AsyncGenerator[Terminal]:
    """Run ``holdfast`` with these words in a terminal of its own."""
    keyboard, screen = pty.openpty()
    os.set_blocking(keyboard, False)
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    made = Terminal(keyboard, columns, lines)
    asyncio.get_running_loop().add_reader(keyboard, made.read)
    program = (
        "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"  # Ctrl-C reaches the program
        "from holdfast_client.command import main; main()"
    )
    variables = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        if name not in (environment or {}):
            variables.pop(name, None)
    made.process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        *words,
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        env=variables,
    )
    os.close(screen)
    try:
        yield made
    finally:
        with suppress(ProcessLookupError):
            made.process.send_signal(signal.SIGKILL)
        await made.process.wait()
        asyncio.get_running_loop().remove_reader(keyboard)
        os.close(keyboard)
