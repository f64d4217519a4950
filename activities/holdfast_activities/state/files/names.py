"""The files of a folder: snapshots and journals. Their names have the numbers of commits."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_SNAPSHOT: Final = re.compile(r"snapshot-(\d{12,})-\d{8}T\d{6}Z\.backup")
_JOURNAL: Final = re.compile(r"journal-(\d{12,})\.jsonl")
DAMAGED: Final = ".damaged"
"""The end of the name of a snapshot that could not be read."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A file. ``n`` is the last commit that is in a snapshot, or the first of a journal."""

    path: Path
    n: int


def snapshot_path(folder: Path, n: int, at: float) -> Path:
    """The path of a snapshot that has the commits up to ``n``, made at a time in seconds since 1970."""
    return folder / f"snapshot-{n:012d}-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}.backup"


def journal_path(folder: Path, first: int) -> Path:
    """The path of the journal whose first commit is ``first``."""
    return folder / f"journal-{first:012d}.jsonl"


def snapshots(folder: Path) -> list[Numbered]:
    """The snapshots, the newest first."""
    return _found(folder, _SNAPSHOT)[::-1]


def journals(folder: Path) -> list[Numbered]:
    """The journals in order."""
    return _found(folder, _JOURNAL)


def _found(folder: Path, pattern: re.Pattern[str]) -> list[Numbered]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [Numbered(path, int(match[1])) for path in paths if (match := pattern.fullmatch(path.name))]
