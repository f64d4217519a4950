"""A chat on a terminal: an input line at the bottom, and the conversation above it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Final, Self, TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import StdoutProxy
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style
from rich.text import Text

from ..common import printing
from ..common.screen import Screen
from .lines import QUIT

_STYLE: Final = Style.from_dict({"status": "dim", "ask": "bold"})
_BETWEEN_WRITES: Final = 0.02
"""Seconds in which lines are collected before the input line is drawn again."""


class TerminalInput:
    """Reads lines with history and editing; the first Ctrl-C explains, the second one leaves."""

    asks = True

    def __init__(self, commands: list[str], explain: Callable[[], None]) -> None:
        """``explain`` prints what the first Ctrl-C does."""
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._explain = explain
        self._status = ""
        self._warned = False
        self._open = ExitStack()
        self._prompt: PromptSession[str] = PromptSession(
            message=self._message,
            history=_history(),
            completer=WordCompleter(commands, sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            reserve_space_for_menu=0,
            enable_history_search=True,
            erase_when_done=True,
            key_bindings=self._keys(),
            style=_STYLE,
        )
        self._console = printing.out()
        self.screen = Screen(self._console, changed=self._prompt.app.invalidate)

    async def __aenter__(self) -> Self:
        # Whatever is printed appears above the input line.
        output = cast("TextIO", self._open.enter_context(StdoutProxy(_BETWEEN_WRITES, raw=True)))
        self._open.enter_context(redirect_stdout(output))
        self._open.enter_context(redirect_stderr(output))
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.screen.end()
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        self._open.close()

    def note(self, text: str, command: str = "") -> None:
        """Print a line above the input line, and a command on its own line, unwrapped."""
        self.screen.end()
        if text:
            printing.indented(self._console, text, 0, "dim")
        if command:
            self._console.print(printing.shown(f"  {command}"), markup=False)

    def set_status(self, status: str) -> None:
        """Show a status above the input line."""
        self._status = status
        self._prompt.app.invalidate()

    def _message(self) -> StyleAndTextTuples:
        # Above the input, since a toolbar would be at the bottom of the terminal, far from the text.
        above: StyleAndTextTuples = [("", f"{self.screen.tail}\n")] if self.screen.tail else []
        status = Text(self._status)
        status.truncate(printing.columns(self._console) - 1, overflow="ellipsis")
        return [*above, ("class:status", f"\n{status.plain}\n"), ("class:ask", "> ")]

    async def _read(self) -> None:
        """Read until Ctrl-D or a second Ctrl-C, in one run: between two runs Ctrl-C would end the process."""
        with suppress(EOFError):
            await self._prompt.prompt_async()
        self.lines.put_nowait(QUIT)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("enter")
        def enter(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            text = buffer.text.strip()
            buffer.reset(append_to_history=bool(text))
            self._warned = False
            if text:
                self.screen.end()
                self._console.print(Text(f"\n> {printing.shown(text)}"), style="bold")
                self.lines.put_nowait(text)

        @keys.add("c-c")
        @keys.add("<sigint>")
        def interrupt(event: KeyPressEvent) -> None:
            event.current_buffer.reset()
            if self._warned:
                event.app.exit(exception=EOFError)
            else:
                self._warned = True
                self._explain()

        _ = enter, interrupt  # called by the library
        return keys


class _FileHistory(FileHistory):
    def store_string(self, string: str) -> None:
        with suppress(OSError):  # a full disk must not end the chat
            super().store_string(string)


def _history() -> History:
    """Return the history of earlier chats, in a file that only its user can read."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "holdfast" / "chat_history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return _FileHistory(str(path))
