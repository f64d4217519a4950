"""The files in ``deploy/`` as data."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"

RENDERED = ("base", "overlays/production", "overlays/development", "services/search")
"""The folders that kustomize renders."""

_VERSION = next(
    line.partition("=")[2]
    for line in (ROOT / ".ci/kustomize").read_text("utf-8").splitlines()
    if line.startswith("VERSION=")
)
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_PROGRAM = _CACHE / "holdfast" / f"kustomize-{_VERSION}" / "kustomize"
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("HOLDFAST_REQUIRE_KUSTOMIZE"))


@cache
def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def prepared(folder: Path, *options: str) -> dict[str, str]:
    """Run ``deploy/prepare`` in a folder; return the variables that it wrote."""
    (folder / "prepare").write_text((DEPLOY / "prepare").read_text("utf-8"))
    subprocess.run(["sh", folder / "prepare", *options], check=True, capture_output=True, timeout=20)
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@cache
def rendered(folder: str) -> list[dict[str, Any]]:
    """The objects of a folder as kustomize renders them; the test is skipped without kustomize."""
    if not _PROGRAM.exists():
        if _REQUIRED:
            pytest.fail("kustomize is missing; run: sh .ci/kustomize")
        pytest.skip("needs kustomize: sh .ci/kustomize")
    done = subprocess.run(
        [_PROGRAM, "build", KUBERNETES / folder], check=True, capture_output=True, timeout=60
    )
    return list(yaml.safe_load_all(done.stdout))


def only(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The object of a kind and name."""
    (found,) = (each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def containers(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All containers of the objects."""
    for each in objects:
        pod = each.get("spec", {}).get("template", {}).get("spec", {})
        yield from pod.get("containers", ())
