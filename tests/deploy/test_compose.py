"""The compose file: valid by its schema, and in line with the settings and the files beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast_workflows.contracts import variables

from . import reads
from .files import DEPLOY, compose, prepared

TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
PREPARE = (DEPLOY / "prepare").read_text("utf-8")


def fits(path: Path) -> bool:
    """Whether a file fits the schema of compose files."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def test_the_file_fits_the_compose_schema() -> None:
    assert fits(DEPLOY / "compose.yaml")


def test_a_misspelt_field_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(TEXT.replace("healthcheck:", "healthchek:"))
    assert not fits(tmp_path / "compose.yaml")


def test_every_variable_is_a_setting() -> None:
    known = {f"{variables.PREFIX}{name}" for name in variables.CLIENT | variables.WORKER}
    for name, service in compose()["services"].items():
        found = {each for each in service.get("environment", {}) if each.startswith(variables.PREFIX)}
        assert found <= known, name


@pytest.mark.parametrize("process", reads.STARTS)
def test_a_process_gets_exactly_the_variables_that_its_code_reads(process: str) -> None:
    services = compose()["services"]
    given: dict[str, set[str]] = {name: set(services[name]["environment"]) for name in reads.STARTS}
    wanted = reads.reads(process)
    assert {name for names in given.values() for name in names} & wanted == given[process]


def test_what_a_process_reads_is_found_in_its_code() -> None:
    assert "WEAVIATE_API_KEY" in reads.reads("probe") & reads.reads("state-upgrade")
    assert "HOLDFAST_STATE_URL" not in reads.reads("codec-server")
    assert {f"{variables.PREFIX}{name}" for name in variables.WORKER} - reads.reads("worker") == {
        "HOLDFAST_PROBE_WORKERS"
    }


def test_secrets_are_mounted_where_they_are_named() -> None:
    for name in reads.STARTS:
        service = compose()["services"][name]
        text = str(service["environment"]) + str(service["command"])
        text = text.replace("${HOLDFAST_KEYS:-}", "/run/secrets/keys")  # as prepare writes it
        assert set(service["secrets"]) == set(re.findall(r"/run/secrets/([a-z-]+)", text)), name


def test_backups_are_kept_on_a_volume_that_the_probe_reads() -> None:
    services = compose()["services"]
    folder = services["worker"]["environment"]["HOLDFAST_BACKUP_FOLDER"]
    assert f"backups:{folder}" in services["worker"]["volumes"]
    assert f"backups:{folder}:ro" in services["probe"]["volumes"]
    assert "backups" in compose()["volumes"]
    # A new volume takes the owner of the image's folder.
    assert folder in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_every_value_that_the_file_needs_is_written_by_prepare() -> None:
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT)) | {
        "CODEC_TOKEN",
        "GRAFANA_PASSWORD",
        "WEAVIATE_API_KEY",
    }
    assert needed <= set(re.findall(r'echo "([A-Z_]+)=', PREPARE))


def test_every_mounted_file_exists() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith(".") and not source.startswith("./secrets"):
                assert (DEPLOY / source).exists(), source


def test_ports_are_open_on_this_machine_only() -> None:
    for service in compose()["services"].values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), port


@pytest.mark.parametrize("options", [(), ("--weaviate",)])
def test_prepare_writes_secrets_that_only_the_owner_may_reach(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    written = prepared(tmp_path, *options)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    # A store that compares vectors is refused with keys.
    assert bool(written["HOLDFAST_KEYS"]) != bool(written.get("HOLDFAST_MEMORY_URL"))
    again = subprocess.run(["sh", tmp_path / "prepare"], capture_output=True, check=False, timeout=20)
    assert again.returncode == 1
    assert b"exists" in again.stderr
