"""Every ban of workflows/ruff.toml applies to workflows, with its advice, and only there."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .lengths import ROOT

RULES = tomllib.loads((ROOT / "workflows/ruff.toml").read_text("utf-8"))
BANNED: dict[str, dict[str, str]] = RULES["lint"]["flake8-tidy-imports"]["banned-api"]


def complaints(root: Path, folder: str) -> list[tuple[str, str]]:
    """Code and message of everything ruff says of a file in ``folder`` that breaks every ban."""
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "workflows").mkdir()
    shutil.copy(ROOT / "workflows/ruff.toml", root / "workflows")
    bad = root / folder / "bad.py"
    bad.parent.mkdir(exist_ok=True)
    lines = [f"import {name.partition('.')[0]}\nbad = {name}" for name in BANNED]
    bad.write_text("\n".join([*lines, "print(bad)\n"]), "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "json", bad],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [(found["code"], found["message"]) for found in json.loads(result.stdout)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    return complaints(tmp_path_factory.mktemp("rules"), "workflows")


@pytest.mark.parametrize("name", BANNED)
def test_what_would_break_a_replay_is_refused_with_advice(found: list[tuple[str, str]], name: str) -> None:
    assert ("TID251", f"`{name}` is banned: {BANNED[name]['msg']}") in found


def test_a_print_in_a_workflow_is_refused(found: list[tuple[str, str]]) -> None:
    assert "T201" in {code for code, _ in found}


def test_the_bans_hold_for_workflows_only(tmp_path: Path) -> None:
    assert "TID251" not in {code for code, _ in complaints(tmp_path, "activities")}
