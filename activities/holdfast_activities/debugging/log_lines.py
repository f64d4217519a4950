"""Log lines at DEBUG of sessions in debug mode only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from .recording import RECORDING

_NOISY: Final = ("asyncio", "aiosqlite", "httpcore", "sqlalchemy")
"""Loggers whose lines at DEBUG are about every byte or statement."""


class DebugLines(logging.Filter):
    """Passes lines below the configured level if they are of a session in debug mode.

    A logger makes such lines only while its level allows them, so the root logger's is lowered as long as an activity
    of such a session runs. The lines that other sessions write at the same time are dropped here.
    """

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level
        self._running, self._before = 0, level
        self._lock = threading.Lock()

    def install(self, handler: logging.Handler) -> None:
        """Filter the lines of the root logger's handler."""
        global _installed  # noqa: PLW0603 - a process has one root logger
        _installed = self
        handler.addFilter(self)
        for name in _NOISY:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, self._level))

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written."""
        return record.levelno >= self._level or RECORDING.get() is not None

    @contextmanager
    def more(self) -> Generator[None]:
        """Let loggers make lines at DEBUG until the end of the block."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        with self._lock:
            root, before = logging.getLogger(), self._running
            self._running += by
            if not before:
                self._before = root.level
                root.setLevel(min(root.level, logging.DEBUG))
            elif not self._running:
                root.setLevel(self._before)


_installed: DebugLines | None = None


@contextmanager
def more_lines() -> Generator[None]:
    """Let loggers make lines at DEBUG until the end of the block, where a worker has configured its logs."""
    if _installed is None:
        yield
        return
    with _installed.more():
        yield
