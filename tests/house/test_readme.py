"""The programs of the README and of the page on testing, run as printed."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing import ScriptedModel, call, say
from holdfast_temporal import DevServer

from .lengths import ROOT


def python_blocks(page: str) -> list[str]:
    """The Python programs of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


FIRST_AGENT, PROGRAM = python_blocks("README.md")[:2]


@asynccontextmanager
async def worker(folder: Path) -> AsyncGenerator[None]:
    """A worker process for ``weather:app`` in a folder, stopped after the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "holdfast_workers",
        "weather:app",
        cwd=folder,
        env={**os.environ, "HOLDFAST_GRACEFUL_SECONDS": "1"},
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(30):
            await process.wait()


def test_the_first_agent_takes_15_lines() -> None:
    assert len(FIRST_AGENT.rstrip().splitlines()) <= 15


def test_the_readme_opens_with_three_sentences_and_the_two_commands() -> None:
    opening, commands, *_ = (ROOT / "README.md").read_text("utf-8").split("```")
    assert len(re.findall(r"[.!?](?=\s)", opening)) == 3
    lines = commands.splitlines()[1:]
    assert [line.split("#")[0].strip() for line in lines] == ["make demo", "make test"]


async def test_the_first_agent_and_the_program_that_asks_it_run_as_printed(
    tmp_path: Path,
    server: DevServer,
    task_queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "weather.py").write_text(FIRST_AGENT, "utf-8")
    script = [
        call("temperature", {"city": "Oslo"}) + call("temperature", {"city": "Lima"}),
        say("In Lima."),
        say("I cannot know."),
    ]
    monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("HOLDFAST_TASK_QUEUE", task_queue)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    async with ScriptedModel(script) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        async with worker(tmp_path), asyncio.timeout(60):
            await run(PROGRAM)
    output = capsys.readouterr().out
    for expected in ("In Lima.", "4 °C", "19 °C"):
        assert expected in output
    assert output.endswith("I cannot know.\n")


async def run(program: str) -> None:
    """Run a program's ``main`` in this event loop."""
    head, _, start = program.partition("asyncio.run(")
    assert start.strip() == "main())"
    scope: dict[str, Any] = {}
    exec(head, scope)
    await scope["main"]()


async def test_the_test_on_the_page_about_testing_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weather.py").write_text(FIRST_AGENT, "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    scope: dict[str, Any] = {}
    exec(python_blocks("docs/testing.md")[0], scope)
    await scope["test_it_looks_before_it_answers"]()
