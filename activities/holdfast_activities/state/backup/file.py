"""A backup in a file: lines of JSON, compressed by gzip.

The first line describes the database. A line with a table's name and columns precedes its rows. The last line has
the checksum of each table and that of all lines before it. A file without a valid last line is damaged.
"""

import gzip
import hashlib
import json
import os
import uuid
import zlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from holdfast_workflows.contracts.errors import BackupDamaged, BackupFailed, BadInput

from .rows import BATCH, Checksum, decode, encode

FORMAT: Final = 1
MEMORIES: Final = "memories"
"""The table of the memories. It is none of the database: their names begin with ``holdfast_``."""

PART: Final = ".part"
"""The end of the name of a file that is being written."""

_LEVEL: Final = 3
"""Of the compression: higher levels take longer and save little on encrypted texts."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of: the database's identity, place and revision, and when it was made."""

    database: str
    place: str
    revision: str
    at: float


@dataclass(frozen=True, slots=True)
class TableRows:
    """Some rows of a table."""

    table: str
    columns: tuple[str, ...]
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """How the memories of a backup were kept: the kind of store, the embedding model, and the version of the terms."""

    store: str
    model: str
    dimension: int
    indexing: int


@dataclass(frozen=True, slots=True)
class Footer:
    """The number of rows and the checksum of each table, and what there is of memories.

    ``problem`` is why a backup that should have memories has none, or not all of them.
    """

    tables: dict[str, tuple[int, str]]
    memories: MemoryPart | None = None
    problem: str = ""

    @property
    def rows(self) -> int:
        """The rows of the database's tables."""
        return sum(rows for name, (rows, _) in self.tables.items() if name != MEMORIES)

    @property
    def memory_rows(self) -> int:
        """How many memories can be restored."""
        return self.tables[MEMORIES][0] if self.memories and MEMORIES in self.tables else 0


class BackupWriter:
    """Writes a backup; the file appears under its name only when it is complete and on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Of its own: another backup may begin in the same second.
        self._part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{PART}")
        # Readable by its owner only: it has the content of sessions.
        self._raw = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._lines = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0)
        self._sha = hashlib.sha256()
        self._tables: dict[str, Checksum] = {}
        self._now = Checksum()

    @classmethod
    def open(cls, path: Path, header: Header) -> Self:
        """Begin a backup.

        Raises:
            BackupFailed: The file cannot be written.
        """
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            made = cls(path)
            made._write({"holdfast_backup": FORMAT, **asdict(header)})
        return made

    def table(self, name: str, columns: Sequence[str]) -> None:
        """Begin a table."""
        self._now = self._tables[name] = Checksum()
        self._write({"table": name, "columns": list(columns)})

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows of the table."""
        with writing(self._path):
            lines = [encode(row) for row in rows]
            self._now.add(lines)
            self._put(b"".join(line + b"\n" for line in lines))

    def finish(self, memories: MemoryPart | None = None, problem: str = "") -> Footer:
        """Complete the file, and flush it and its name to disk."""
        tables = {name: (each.rows, each.hex) for name, each in self._tables.items()}
        footer = Footer(tables, memories, problem)
        with writing(self._path):
            self._write({**asdict(footer), "sha256": _checksum(self._sha, footer)})
            self._lines.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._part.replace(self._path)
            sync_folder(self._path.parent)
        return footer

    def rename(self, path: Path) -> None:
        """Give the file another name of the same folder when it is complete."""
        self._path = path

    def abandon(self) -> None:
        """Remove an incomplete file."""
        with suppress(OSError):
            self._lines.close()
            self._raw.close()
        self._part.unlink(missing_ok=True)

    def _write(self, value: dict[str, Any]) -> None:
        self._put(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    def _put(self, data: bytes) -> None:
        self._sha.update(data)
        self._lines.write(data)


class writing:  # noqa: N801 - a context manager that reads as a verb
    """Turn the system's errors into BackupFailed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise BackupFailed(f"{self._path}: {error.strerror or error}") from error


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


Part = Header | TableRows | Footer


def read_backup(path: Path) -> Generator[Part]:
    """Yield the header, the rows in batches, and the footer. All are valid only once the footer was yielded.

    Raises:
        BackupDamaged: The file is not a complete backup, or was changed.
        BadInput: There is no such file, or a newer version wrote it.
    """
    try:
        with gzip.open(path, "rb") as lines:
            yield from _parts(path, lines)
    except (EOFError, zlib.error, ValueError, KeyError, TypeError, gzip.BadGzipFile) as error:
        raise BackupDamaged(f"{path}: {error}") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error


def _parts(path: Path, lines: Iterable[bytes]) -> Generator[Part]:
    sha, made = hashlib.sha256(), dict[str, Checksum]()
    header, table, columns = False, "", tuple[str, ...]()
    batch, found, last = list[bytes](), Checksum(), None

    def taken() -> list[list[Any]]:
        found.add(batch)
        rows = [decode(json.loads(line)) for line in batch]
        batch.clear()
        return rows

    for line in lines:
        if line.startswith(b"["):
            sha.update(line)
            batch.append(line[:-1])
            if len(batch) == BATCH:
                yield TableRows(table, columns, taken())
            continue
        if batch:
            yield TableRows(table, columns, taken())
        value: dict[str, Any] = json.loads(line)
        if last is not None:
            raise BackupDamaged(f"{path}: something follows its last line")
        if "sha256" in value:
            last = _footer(value, sha, made)
            continue
        sha.update(line)
        if not header:
            yield _header(path, value)
            header = True
        else:
            table, columns = value["table"], tuple(value["columns"])
            found = made[table] = Checksum()
    # Only now has gzip compared its own checksum.
    if last is None:
        raise BackupDamaged(f"{path}: it ends before its last line")
    yield last


def _header(path: Path, value: dict[str, Any]) -> Header:
    version = value.pop("holdfast_backup")
    if version != FORMAT:
        raise BadInput(f"{path} has format {version}; this version of Holdfast reads {FORMAT}")
    return Header(**value)


def _checksum(lines: "hashlib._Hash", footer: Footer) -> str:
    """The checksum of the lines before the last, and of what the last says of the memories."""
    if footer.memories or footer.problem:
        lines.update(repr((footer.memories, footer.problem)).encode())
    return lines.hexdigest()


def _footer(value: dict[str, Any], sha: "hashlib._Hash", made: dict[str, Checksum]) -> Footer:
    kept = value.get("memories")
    footer = Footer(
        {name: (rows, digest) for name, (rows, digest) in value["tables"].items()},
        MemoryPart(**kept) if kept else None,
        value.get("problem", ""),
    )
    found = {name: (each.rows, each.hex) for name, each in made.items()}
    if value["sha256"] != _checksum(sha, footer) or footer.tables != found:
        raise ValueError("its checksum is not that of its content")
    return footer
