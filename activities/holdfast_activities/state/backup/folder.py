"""A folder of dated backups, which several databases may share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from holdfast_activities.scratch import remove_partial
from holdfast_workflows.contracts.errors import BackupDamaged, BackupMissing

from .file import PART, Footer, Header, read_backup

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
_RECENT: Final = 2 * HOUR
"""For how long every backup is kept."""

_NAME: Final = re.compile(r"holdfast-([0-9a-f]{8})-(\d{8}T\d{6}Z)(-state)?\.backup")
_TIME: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Dated:
    """A backup by its name: the beginning of its database's identity, and when it was made.

    One that is not ``whole`` has the state database only, because the memories could not be read.
    """

    path: Path
    database: str
    at: float
    whole: bool = True

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.path.stat().st_size


def path_of(folder: Path, database: str, at: float, *, whole: bool = True) -> Path:
    """The path of a backup made at a time, in seconds since 1970."""
    time = datetime.fromtimestamp(at, UTC).strftime(_TIME)
    return folder / f"holdfast-{database[:8]}-{time}{'' if whole else '-state'}.backup"


def dated(folder: Path) -> list[Dated]:
    """The backups in a folder, the newest first."""
    found: list[Dated] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            at = datetime.strptime(match[2], _TIME).replace(tzinfo=UTC)
            found.append(Dated(path, match[1], at.timestamp(), match[3] is None))
    return sorted(found, key=lambda each: (each.at, each.path.name), reverse=True)


def note_drill(folder: Path, database: str) -> None:
    """Record now as the time of the last drill without a fault."""
    _drilled(folder, database).touch()


def last_drill(folder: Path, database: str) -> float:
    """The time of the last drill without a fault; 0 for never."""
    try:
        return _drilled(folder, database).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _drilled(folder: Path, database: str) -> Path:
    return folder / f"holdfast-{database[:8]}.drilled"


def check(path: Path) -> tuple[Header, Footer]:
    """Read a backup to its end.

    Raises:
        BackupDamaged: It is not complete, or was changed.
    """
    parts = [part for part in read_backup(path) if isinstance(part, Header | Footer)]
    [header, footer] = parts
    assert isinstance(header, Header)
    assert isinstance(footer, Footer)
    return header, footer


def newest_good(place: Path, *, whole: bool = False) -> tuple[Path, list[str]]:
    """The newest good backup at a place, a folder or the backup itself; and what is wrong with newer ones.

    ``whole``: only of those with memories.

    Raises:
        BackupMissing: The folder has no good backup.
        BackupDamaged: The place is a file, and is not a good backup.
    """
    if not place.is_dir():
        check(place)
        return place, []
    problems: list[str] = []
    for each in dated(place):
        if whole and not each.whole:
            continue
        try:
            check(each.path)
        except BackupDamaged as error:
            problems.append(error.detail)
        else:
            return each.path, problems
    raise BackupMissing(f"{place}: {len(problems)} damaged, none good" if problems else f"{place} has none")


def thin(folder: Path, database: str, now: float, days: float) -> int:
    """Delete backups of a database that are not kept; return how many.

    Kept are all of the last two hours, then the last of each hour of a day, then the last of each day until
    ``days`` are over. The newest is always kept, and so is the newest with memories.
    """
    own = [each for each in dated(folder) if database.startswith(each.database)]
    gone = _superfluous(own, now, days)
    for each in gone:
        each.path.unlink(missing_ok=True)
    return len(gone)


def clear(folder: Path) -> None:
    """Delete what killed backups of any database have left: nothing was added to it for hours.

    Before a backup, since on a disk that they have filled none is completed.
    """
    remove_partial(folder, f"holdfast-*{PART}", _RECENT)


def _superfluous(newest_first: Sequence[Dated], now: float, days: float) -> list[Dated]:
    gone, taken = list[Dated](), set[tuple[float, int, bool]]()
    newest = {next((each for each in newest_first if each.whole), None), *newest_first[:1]}
    for each in newest_first:
        age = now - each.at
        if age < _RECENT or each in newest:
            continue
        period = HOUR if age < DAY else DAY
        slot = (period, int(each.at // period), each.whole)
        if age > days * DAY or slot in taken:
            gone.append(each)
        taken.add(slot)
    return gone
