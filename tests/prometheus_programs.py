"""Prometheus, Alertmanager and their tools: from ``.ci/prometheus``, or on ``PATH``."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Read at import, since a fixture removes these variables.
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("HOLDFAST_REQUIRE_PROMETHEUS"))
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = _CACHE / "holdfast" / "monitoring"
"""Where the programs are unpacked. Alertmanager has to start in it, unless it is installed."""


def program(name: str) -> str:
    """Return the path of promtool, amtool, prometheus or prometheus-alertmanager.

    Raises:
        FileNotFoundError: It is not installed.
    """
    found = shutil.which(name, path=f"{FOLDER / 'bin'}:{os.environ.get('PATH', '')}")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; run `sh .ci/prometheus`, which needs apt-get")
    return found


def run(name: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; skip the test if it is not installed."""
    try:
        command = [program(name), *map(str, arguments)]
    except FileNotFoundError as error:
        (pytest.fail if _REQUIRED else pytest.skip)(str(error))
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)
