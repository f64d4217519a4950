"""Figures and names as people read them, in Markdown and in SQL."""

from __future__ import annotations

import re

Cell = int | float | str | None

_MARKUP = re.compile(r"[\\`*_<>|\[\]#~$\s]+")
_MAX_LABEL = 60


def figure(value: Cell) -> str:
    """A number with as many digits as matter; text as it is."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return label(value)
    size = abs(value)
    if size >= 1e15 or (size and size < 0.001):
        return f"{value:.3g}"
    if float(value).is_integer() or size >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.4f}"


def label(name: Cell, longest: int = _MAX_LABEL) -> str:
    """A name from the file in running text, without what Markdown would take for markup."""
    plain = _MARKUP.sub(" ", str(name)).strip()
    if not plain:
        return "(no name)"
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def identifier(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Cell) -> str:
    """A value in SQL. Text that SQL text cannot hold, such as NUL, is given by its bytes."""
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return repr(value)
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return f"CAST(x'{value.encode('utf-8', 'replace').hex()}' AS TEXT)"


def table(columns: list[str], rows: list[list[Cell]]) -> str:
    """A Markdown table; years and other names of periods go in as text."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(figure(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
