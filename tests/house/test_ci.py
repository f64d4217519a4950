"""What .ci/run and the Makefile run, and which version of Weaviate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .produced import FAST

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", ["compose.yaml", "weaviate/compose.yml"])
def test_the_deployed_weaviate_is_the_tested_version(file: str) -> None:
    version = (ROOT / ".ci/weaviate-version").read_text("utf-8").strip().removeprefix("v")
    compose = (ROOT / "deploy" / file).read_text("utf-8")
    assert re.findall(r"/weaviate:(\d\S*)", compose) == [version]


def test_ci_runs_the_fast_and_the_slow_tests() -> None:
    assert "for target in lint test-all; do" in (ROOT / ".ci/run").read_text("utf-8")
    make = (ROOT / "Makefile").read_text("utf-8")
    assert f'$(PYTEST) -m "{FAST}" $(ARGS)' in make
    assert "$(PYTEST) -m slow $(ARGS)" in make
    assert "\n\t@$(PYTEST) $(ARGS)\n" in make


@pytest.mark.parametrize("part", ["WEAVIATE", "NPM", "SANDBOX", "PROMETHEUS", "KUSTOMIZE"])
def test_ci_does_not_skip_the_tests_that_need_a_part(part: str) -> None:
    assert f"HOLDFAST_REQUIRE_{part}=1" in (ROOT / ".ci/run").read_text("utf-8")
