"""Memories in a backup: the table that holds them, and what a memory store does for a backup."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from .file import MEMORIES, MemoryPart, TableRows, read_backup

COLUMNS: Final = ("tenant", "id", "body", "vector")

Rows: TypeAlias = Sequence[Sequence[Any]]

Pages: TypeAlias = Callable[[], AsyncGenerator[Rows]]
"""Reads the rows of the memories in a backup, from the beginning each time."""

RestoreMemories: TypeAlias = Callable[[MemoryPart, Pages], Awaitable[int]]
"""Writes the memories of a backup into a store, compares them, and returns how many there are."""


class MemorySource(Protocol):
    """Memories to back up."""

    def pages(self) -> AsyncGenerator[Rows]:
        """Yield all memories as rows of ``COLUMNS``."""
        ...

    def part(self) -> MemoryPart | None:
        """Return how they are kept, after the last page; None without a store."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryRows:
    """The rows of the memories in a backup that was checked."""

    path: Path

    async def pages(self) -> AsyncGenerator[Rows]:
        """Yield them in batches, read and decompressed in a thread."""
        parts = read_backup(self.path)
        try:
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                if isinstance(part, TableRows) and part.table == MEMORIES:
                    yield part.rows
        finally:
            parts.close()
