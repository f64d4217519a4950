"""The lines of a journal. Each is a JSON object that ends with the checksum of what precedes it.

The first line has the tables' columns. Each further line is a commit: for each table the keys of rows that it
removed, and the rows that it wrote.
"""

import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypedDict, cast

from holdfast_workflows.contracts.errors import BackupUnreadable, StateDamaged

from ..backup.rows import compact

FORMAT: Final = 1
_SUM: Final = b',"sum":"'
_DIGITS: Final = 16


class Changed(TypedDict, total=False):
    """What a commit changed in a table: keys of removed rows, then written rows."""

    removed: list[Sequence[Any]]
    written: list[Sequence[Any]]


Changes = dict[str, Changed]
"""By table."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A table's columns, and those of its key."""

    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: the tables' revision and columns, and the number of the first commit."""

    first: int
    revision: str
    tables: dict[str, Columns]


@dataclass(frozen=True, slots=True)
class Commit:
    """A line after the first. ``end`` is the byte after it."""

    n: int
    changes: Changes
    end: int


def header_line(header: Header) -> bytes:
    """The first line of a journal."""
    return seal({"holdfast_journal": FORMAT, **asdict(header)})


def seal(value: dict[str, Any]) -> bytes:
    """A value as a line with its checksum."""
    data = compact(value)[:-1]
    return data + _SUM + _sum(data) + b'"}\n'


def read_journal(path: Path) -> Generator[Header | Commit, None, int]:
    """Yield the header and the commits; return the number of bytes of a last line that was not written in full.

    Raises:
        StateDamaged: A line before the last is damaged.
        BackupUnreadable: A newer version of Holdfast wrote the journal.
    """
    end, torn = 0, b""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if torn:
                raise _damaged(path, number - 1)
            value = _opened(line)
            if value is None:
                if number == 1:  # a journal gets its name when its first line is complete
                    raise _damaged(path, 1)
                torn = line
                continue
            end += len(line)
            yield _header(path, value) if number == 1 else Commit(value["n"], value["changes"], end)
    if not end:
        raise _damaged(path, 1)
    return len(torn)


def _damaged(path: Path, number: int) -> StateDamaged:
    if number == 1:
        return StateDamaged(
            f"{path}: line 1 is damaged, without which the others cannot be read. To give up the commits of this file "
            "and of later journals, `holdfast restore` the newest snapshot into a new folder"
        )
    return StateDamaged(
        f"{path}: line {number} is damaged. To give up the commits from this line on, delete it, the lines after it "
        "and all later journals and snapshots"
    )


def _header(path: Path, value: dict[str, Any]) -> Header:
    if (written := value.get("holdfast_journal")) != FORMAT:
        raise BackupUnreadable(f"{path} has format {written}") if written else _damaged(path, 1)
    tables = {
        name: Columns(tuple(each["columns"]), tuple(each["key"])) for name, each in value["tables"].items()
    }
    return Header(value["first"], value["revision"], tables)


def _opened(line: bytes) -> dict[str, Any] | None:
    """The value of a line; None if it is not as it was written. A person who repairs a line removes its ``sum``."""
    data, separator, end = line.rpartition(_SUM)
    try:
        if separator and end == _sum(data) + b'"}\n':
            sealed: dict[str, Any] = json.loads(data + b"}")
            return sealed
        value: Any = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) and "sum" not in value else None


def _sum(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest()[:_DIGITS].encode()
