"""The profile of a file, as the offline analyst reads it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .words import Cell


@dataclass(frozen=True)
class Column:
    """A column; ``kind`` is number, year, date, text or empty."""

    name: str
    kind: str
    missing: int
    distinct: int
    least: Cell
    most: Cell
    whole: bool
    longest: int
    """Bytes of the longest text."""

    @property
    def is_time(self) -> bool:
        """Whether it says when."""
        return self.kind in ("year", "date") and self.distinct > 1


@dataclass(frozen=True)
class Table:
    """A file."""

    file: str
    rows: int
    columns: tuple[Column, ...]
    notes: tuple[str, ...]

    @staticmethod
    def read(profile: dict[str, Any]) -> Table:
        """A table from the result of profile_data."""
        columns = tuple(
            Column(
                name=str(c["name"]),
                kind=str(c["type"]),
                missing=int(c["missing"]),
                distinct=int(c["distinct"]),
                least=c.get("min"),
                most=c.get("max"),
                whole=bool(c.get("whole")),
                longest=int(c.get("longest") or 0),
            )
            for c in profile["columns"]
        )
        return Table(str(profile["file"]), int(profile["rows"]), columns, tuple(profile["notes"]))

    @cached_property
    def numbers(self) -> tuple[Column, ...]:
        """Columns of numbers."""
        return tuple(c for c in self.columns if c.kind == "number")

    @cached_property
    def texts(self) -> tuple[Column, ...]:
        """Columns of text."""
        return tuple(c for c in self.columns if c.kind == "text")

    @cached_property
    def times(self) -> tuple[Column, ...]:
        """Columns that say when."""
        return tuple(c for c in self.columns if c.is_time)
