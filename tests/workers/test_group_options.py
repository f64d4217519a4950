"""Options that stand before a command, for commands of workers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .running import COMMAND, ROOT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--address", "no-such-host.invalid:1", "worker"), "no-such-host.invalid:1"),
        (("--address", "nonsense", "worker"), "'nonsense' is not host:port"),
        (("--address", "no-such-host.invalid:1", "state", "bind"), "no-such-host.invalid:1"),
    ],
)
def test_where_to_connect_can_be_said_before_a_command_of_workers(words: tuple[str, ...], said: str) -> None:
    environment = {**os.environ, "HOLDFAST_TEMPORAL_ADDRESS": "127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words, "tests.workers.sample:app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode in {2, 3}
