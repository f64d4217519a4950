"""Read a CSV file as rows of text; its encoding, delimiter and header are detected."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from holdfast import ToolError

MAX_COLUMNS = 500
_MAX_NAME = 100
_SAMPLE_LINES = 50
_DELIMITERS = ",;\t|"
_NO_DELIMITER = "\x1f"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")

# Python's limit of 128 KiB a field is for the whole process and too small for texts.
csv.field_size_limit(16 * 1024 * 1024)


@dataclass(frozen=True)
class Layout:
    """How to read the file. ``names`` are unique without regard to case, as SQLite requires."""

    encoding: str
    delimiter: str
    header: bool
    names: tuple[str, ...]


def find_layout(path: Path) -> Layout:
    """Detect a file's layout."""
    encoding = _encoding(path)
    delimiter = _delimiter(path, encoding)
    first = list(islice(_rows(path, encoding, delimiter), 2))
    if not first:
        return Layout(encoding, delimiter, header=False, names=())
    header = not all(_all_numbers(row) for row in first) or len(first) == 1
    width = max(len(row) for row in first)
    cells = first[0] if header else []
    return Layout(encoding, delimiter, header, _names([*cells, *[""] * (width - len(cells))][:MAX_COLUMNS]))


def read_rows(path: Path, layout: Layout) -> Iterator[list[str]]:
    """The rows below the header, without blank ones."""
    return islice(_rows(path, layout.encoding, layout.delimiter), int(layout.header), None)


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield row
        except csv.Error as error:
            raise ToolError(
                f"line {reader.line_num} of {path.name} cannot be read as CSV: {error}"
            ) from error


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    try:
        with path.open(encoding="utf-8") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter of the header that most rows agree with; a file without any has one column."""
    best, best_score = _NO_DELIMITER, (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in islice(_rows(path, encoding, delimiter), _SAMPLE_LINES)]
        if not widths or widths[0] < 2:
            continue
        agreeing = Counter(widths).most_common(1)[0][1] / len(widths)
        if (agreeing, widths[0]) > best_score:
            best, best_score = delimiter, (agreeing, widths[0])
    return best


def _all_numbers(row: list[str]) -> bool:
    return all(_NUMBER.fullmatch(cell.strip()) for cell in row)


def _names(cells: list[str]) -> tuple[str, ...]:
    taken: set[str] = set()
    names: list[str] = []
    for position, cell in enumerate(cells, 1):
        # SQLite identifiers cannot contain NUL; other control characters are hard to type.
        plain = " ".join("".join(c if c.isprintable() else " " for c in cell).split())[:_MAX_NAME]
        base = plain or f"column_{position}"
        name, again = base, 2
        while name.lower() in taken:
            name, again = f"{base}_{again}", again + 1
        taken.add(name.lower())
        names.append(name)
    return tuple(names)
