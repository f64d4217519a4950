"""The pytest plugin in a project of its own, run by another pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

AGENTS = """
from holdfast import Agent, App

app = App(agents=[Agent("greeter", model="openai:scripted")])
"""
TESTS = """
import pytest
from agents import app
from holdfast.testing import ScriptedModel, say

addresses = set()


@pytest.mark.parametrize("text", ["One.", "Two."])
async def test_it_answers(holdfast_env, holdfast_server, text):
    addresses.add(holdfast_server)
    async with ScriptedModel([say(text)]) as model, holdfast_env(app, model) as holdfast:
        session = await holdfast.client.start("greeter", "Hi!")
        assert (await session.wait()).text == text


def test_the_tests_shared_a_server(holdfast_server):
    assert addresses == {holdfast_server}
"""
UNUSED = """
import sys


def test_nothing_heavy_is_imported():
    assert "holdfast.testing.plugin" in sys.modules
    heavy = {"temporalio", "pydantic", "holdfast_temporal", "holdfast_client", "holdfast_workflows"}
    assert not heavy & sys.modules.keys()
"""


def _pytest(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_project_uses_the_fixtures_without_set_up(tmp_path: Path) -> None:
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "test_agents.py").write_text(TESTS)
    assert "3 passed" in _pytest(tmp_path, "-o", "asyncio_mode=auto")


def test_a_project_that_does_not_use_them_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(UNUSED)
    disabled = [
        option for name in ("anyio", "hypothesispytest", "asyncio") for option in ("-p", f"no:{name}")
    ]
    assert "1 passed" in _pytest(tmp_path, *disabled)
