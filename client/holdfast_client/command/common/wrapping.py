"""Wrapping of text that arrives in pieces."""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len

_INDENT: Final = re.compile(r" *(?:(?:[-*•]|\d{1,3}[.)]) +)?")
"""Spaces and the mark of a list item, below which its next lines begin."""


def wrapped(text: str, width: int) -> list[str]:
    """Return lines of at most ``width`` columns, broken at spaces where possible; the last one may grow."""
    lines: list[str] = []
    for line in text.split("\n"):
        rest = line
        while (stop := _fitting(rest, width)) < len(rest):
            found = _INDENT.match(rest)
            indent = found.end() if found and found.end() < width // 2 else 0
            space = rest.rfind(" ", indent, stop + 1)
            cut = space if space > indent else stop
            lines.append(rest[:cut].rstrip(" "))
            rest = " " * indent + rest[cut:].lstrip(" ")
        lines.append(rest)
    return lines


def _fitting(line: str, width: int) -> int:
    """Return how many characters fit."""
    if len(line) <= width and line.isascii():
        return len(line)
    columns = 0
    for at, character in enumerate(line):
        columns += cell_len(character)
        if columns > width:
            return max(1, at)
    return len(line)
