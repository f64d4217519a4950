"""The Dockerfile: what it copies exists, and it runs without rights."""

from __future__ import annotations

import re
import subprocess
import sys

from .files import DEPLOY, ROOT

TEXT = (DEPLOY / "Dockerfile").read_text("utf-8")
JOINED = TEXT.replace("\\\n", " ")


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        source
        for line in JOINED.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert len(copied) > 8
    for source in copied:
        name = source.replace("${FOLDER}", "examples")
        assert (ROOT / name).exists(), name
        assert name in allowed, name


def test_the_locked_dependencies_of_the_image_can_be_exported() -> None:
    command = re.search(r"uv export (.*?)--output-file", JOINED)
    assert command is not None
    done = subprocess.run(
        [sys.executable, "-m", "uv", "export", "--offline", *command[1].split()],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    names = set(re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    assert {
        "temporalio",
        "asyncpg",
        "weaviate-client",
        "opentelemetry-sdk",
        "mcp",
        "a2a-sdk",
        "apprise",
    } <= names
    assert "pytest" not in names


def test_the_image_runs_as_another_user_than_root_and_checks_its_health() -> None:
    final = TEXT.rpartition("AS holdfast\n")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    port = re.search(r"HOLDFAST_HEALTH_PORT=(\d+)", final)
    assert port is not None
    assert re.search(rf"^EXPOSE {port[1]}$", final, re.MULTILINE)
    assert f"http://127.0.0.1:{port[1]}/health" in final
