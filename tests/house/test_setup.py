"""The messages of .ci/setup on a machine where it cannot make the environment."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .lengths import ROOT

TOOLS = ("sh", "cat", "cksum", "dirname", "rm")
PYTHON_WITHOUT_ENSUREPIP = """#!/bin/sh
case "$*" in
    *ensurepip*) exit 1 ;;
    *sys.executable*) echo "$0" ;;
    *%d*) echo 3.12 ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with the set-up's files, and ``bin`` as the only place for programs."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    (tmp_path / ".ci").mkdir()
    for file in (".ci/setup", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def set_up(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "bin/sh", ".ci/setup"],
        cwd=machine,
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_without_python_it_says_which_is_needed(machine: Path) -> None:
    result = set_up(machine)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert "apt install python3" in result.stderr


def test_without_ensurepip_it_says_what_to_install(machine: Path) -> None:
    python = machine / "bin/python3"
    python.write_text(PYTHON_WITHOUT_ENSUREPIP, "utf-8")
    python.chmod(0o755)
    result = set_up(machine)
    assert result.returncode == 1
    assert "apt install python3.12-venv" in result.stderr
    assert not (machine / ".venv").exists()
