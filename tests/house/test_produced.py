"""Which errors count as produced, and how a run fails that misses some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.client import WorkflowQueryFailedError

from holdfast_activities.models import Models
from holdfast_temporal.query_failures import of_query
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    InvalidDeclaration,
    ToolError,
    from_failure,
    to_failure,
    tree,
)

from .lengths import ROOT
from .produced import FAMILIES, FAST, TOOLS_RAISE, complaints, watching

EVERY = set(tree()) - FAMILIES


def test_what_the_project_raises_is_produced() -> None:
    codes: set[str] = set()
    with watching(codes), pytest.raises(InvalidDeclaration):
        Models({}).get("unknown:model")
    assert codes == {"invalid_declaration"}


def test_what_a_test_makes_or_reads_back_is_not_produced_but_for_what_tools_raise() -> None:
    codes: set[str] = set()
    with watching(codes):
        for cls in tree().values():
            assert isinstance(from_failure(to_failure(cls("made here"))), HoldfastError)
    assert codes == {ToolError.code}


def test_reading_a_refused_query_produces_no_error() -> None:
    codes: set[str] = set()
    with watching(codes):
        found = of_query(WorkflowQueryFailedError(str(InvalidDeclaration("made here"))))
    assert isinstance(found, InvalidDeclaration)
    assert codes <= TOOLS_RAISE


def test_nothing_is_recorded_outside_the_block() -> None:
    codes: set[str] = set()
    with watching(codes):
        pass
    with pytest.raises(InvalidDeclaration):
        Models({}).get("unknown:model")
    assert not codes


def test_a_row_that_no_test_produces_is_named() -> None:
    assert complaints(EVERY) == []
    assert complaints(EVERY - {"queue_full"}) == ["no test produces queue_full"]
    assert complaints(EVERY | {"model"}) == ["model is raised itself, so it is no family"]
    stopped = {"output_cut_off", "content_filtered", "model_refused"}
    assert "no test produces any error of the family model_stopped" in complaints(EVERY - stopped)


def test_a_run_of_all_tests_fails_with_what_they_did_not_produce_and_a_part_does_not(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntestpaths = checks\nmarkers = slow\naddopts = --import-mode=importlib\n"
    )
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/conftest.py").write_text(
        "from tests.house.produced import Produced\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(Produced(config))\n"
    )
    (tmp_path / "checks/test_one.py").write_text(
        "import pytest\n"
        "from holdfast_workflows.contracts.errors import InvalidDeclaration\n"
        "from holdfast_workflows.contracts.agent.output import output_spec\n"
        "def test_one():\n"
        "    with pytest.raises(InvalidDeclaration):\n        output_spec(object())\n"
    )
    (tmp_path / "checks/test_slow.py").write_text(
        "import pytest\n"
        "from holdfast_workflows.contracts.control.access import check\n"
        "from holdfast_workflows.contracts.control.identity import Principal\n"
        "from holdfast_workflows.contracts.errors import NotPermitted\n"
        "@pytest.mark.slow\n"
        "def test_slow():\n"
        "    with pytest.raises(NotPermitted):\n        check(Principal(id='ann', roles=()), 'start')\n"
    )
    status, output = _run(tmp_path, "-p", "xdist", "-n", "1")
    assert (status, "no test produces queue_full" in output) == (1, True), output
    assert "no test produces invalid_declaration" not in output
    assert "no test produces not_permitted" in output, "the slow test alone produces it"
    status, output = _run(tmp_path, "-m", FAST)
    assert (status, "no test produces queue_full" in output) == (1, True), output
    for part in (["-k", "one"], ["checks/test_one.py"], ["-m", "not fast"]):
        status, output = _run(tmp_path, *part)
        assert (status, "no test produces" in output) == (0, False), output


def _run(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
