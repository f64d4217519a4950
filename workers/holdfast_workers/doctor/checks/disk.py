"""Disks: there is room where this machine writes."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from holdfast_activities.state.setup.location import SqliteLocation, locate

from ..examined import Examined
from ..findings import Finding, failed, warning, worst

_LEAST: Final = 100_000_000
_FEW: Final = 0.1
_REMEDY: Final = "free some space, or move the files: `holdfast maintain` removes old content"


async def check(examined: Examined) -> Finding:
    """Look at the file systems of the home folder and of a SQLite database."""
    places = {"HOLDFAST_HOME": examined.settings.home}
    location = locate(examined.settings.state())
    if isinstance(location, SqliteLocation):
        places["the state database"] = location.path
    found, free = list[Finding](), list[str]()
    for name, path in places.items():
        usage = await asyncio.to_thread(shutil.disk_usage, _existing(path))
        text = f"{name} has {usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free"
        free.append(text)
        if usage.free < _LEAST:
            found.append(failed(f"the disk is full: {text}", _REMEDY))
        elif usage.free < usage.total * _FEW:
            found.append(warning(text, _REMEDY))
    return worst(found, "; ".join(free))


def _existing(path: Path) -> Path:
    """The nearest folder above that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
