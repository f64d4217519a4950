"""The changed Python files of the App, for ``holdfast dev --reload``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from watchfiles import PythonFilter, awatch  # pyright: ignore[reportUnknownVariableType] # it names trio, which is not installed


class Changes:
    """The files that have changed since they were taken last; none is missed."""

    def __init__(self) -> None:
        self._folders: Sequence[str] = ()
        self._task: asyncio.Task[None] | None = None
        self._changed: set[str] = set()
        self._new = asyncio.Event()

    async def watch(self, folders: Sequence[str]) -> None:
        """Watch these folders, with their own folders, instead of the former ones."""
        if folders != self._folders:
            await self._end()
            self._folders = folders
            self._task = asyncio.create_task(self._collect())

    async def wait(self) -> None:
        """Wait until files have changed."""
        await self._new.wait()

    def take(self) -> str:
        """Return the names of the files that have changed, and forget them."""
        self._new.clear()
        names, self._changed = sorted(self._changed), set()
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _collect(self) -> None:
        here = Path.cwd()
        async for found in awatch(*self._folders, watch_filter=PythonFilter()):
            for _, name in found:
                path = Path(name)
                self._changed.add(str(path.relative_to(here) if path.is_relative_to(here) else path))
            self._new.set()
