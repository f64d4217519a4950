"""The command: a table, JSON, and an exit code for gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast_client.command.main import build
from holdfast_temporal import DevServer
from holdfast_workers.doctor.examination import Check, examine
from holdfast_workers.doctor.examined import Examined
from holdfast_workers.doctor.findings import Finding, Report, Result

from .conftest import Examining

APP = "examples.deploy.v1:app"


@pytest.fixture
def doctor(server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command."""
    monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))

    def run(*arguments: str) -> Any:
        words = ["doctor", APP, *arguments]
        return CliRunner().invoke(build(words), words)

    return run


def test_a_table_names_what_failed_with_its_remedy(doctor: Any) -> None:
    result = doctor("--only", "identity", "--only", "models")
    assert result.exit_code == 1
    assert "security\n" in result.stdout
    assert "FAILED   models" in result.stdout
    assert "→ set the provider's key" in result.stdout
    assert "counter: 1 warning, 1 failed" in result.stdout


def test_warnings_fail_only_a_strict_gate(doctor: Any) -> None:
    assert doctor("--only", "identity").exit_code == 0
    assert doctor("--only", "identity", "--strict").exit_code == 1


def test_json_has_every_result(doctor: Any) -> None:
    result = doctor("--only", "tls", "--json")
    report = Report.model_validate(json.loads(result.stdout))
    assert (result.exit_code, report.app) == (0, "counter")
    assert [(each.check, each.area, each.status) for each in report.results] == [("tls", "security", "ok")]


def test_an_unknown_check_is_refused_with_the_nearest_name(doctor: Any) -> None:
    result = doctor("--only", "identty")
    assert result.exit_code == 2
    assert "identity" in result.output


async def test_an_error_of_a_check_is_a_failed_result_and_the_rest_go_on(examining: Examining) -> None:
    async def broken(_: Examined) -> Finding:
        raise ZeroDivisionError("by zero")

    async def fine(_: Examined) -> Finding:
        return Finding(status="ok", text="fine")

    checks = [Check("a", "x", broken), Check("b", "x", fine, needs=("a",)), Check("c", "x", fine)]
    found: list[Result] = [each async for each in examine(examining(), checks)]
    assert [(each.check, each.status, each.text) for each in found] == [
        ("a", "failed", "ZeroDivisionError: by zero"),
        ("b", "skipped", "needs a"),
        ("c", "ok", "fine"),
    ]
