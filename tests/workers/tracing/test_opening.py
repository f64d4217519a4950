"""The settings of tracing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from holdfast_workers.settings import Settings
from holdfast_workers.tracing.opening import recording
from holdfast_workflows.contracts.errors import SettingsInvalid, WorkerMissing


def test_tracing_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(WorkerMissing, match=r"holdfast\[tracing\]"), recording(Settings(tracing="true"), "a"):
        pass


def test_a_protocol_other_than_http_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    settings = Settings(tracing="true", home=tmp_path)
    with pytest.raises(SettingsInvalid, match="4318"), recording(settings, "a"):
        pass


@pytest.mark.parametrize("name", ["tracing", "tracing_content"])
def test_a_switch_that_is_neither_true_nor_false_is_refused(name: str) -> None:
    given = {"tracing": "true", name: "perhaps"}
    with pytest.raises(SettingsInvalid, match="perhaps"), recording(Settings.load(**given), "a"):
        pass
