"""What the model reads of a program, and when the tool is refused."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from holdfast import CodeTool, SandboxUnavailable, ToolArgumentsInvalid
from holdfast_activities.tools import provided
from holdfast_activities.tools.code import run as running
from holdfast_activities.tools.code import sandbox
from holdfast_activities.tools.code.interpreter import Interpreter
from holdfast_activities.tools.code.tool import code_tool
from holdfast_workflows.contracts.tools.code import CodeSettings
from holdfast_workflows.contracts.tools.sources import ProvidedTool
from tests.holdfast.support import context


async def call(tool: CodeTool, code: str, **more: Any) -> str:
    assert isinstance(tool.settings, CodeSettings)
    binding = code_tool(tool.spec, tool.settings)
    return await binding.call(binding.validate(json.dumps({"code": code, **more})), context())


async def test_the_model_reads_the_exit_code_and_the_output(interpreter: Interpreter) -> None:
    tool = CodeTool(languages=["python", "shell"], timeout=1)
    assert await call(tool, "print('häh?')") == "exit code 0\n\nhäh?"
    assert (await call(tool, "1/0")).startswith("exit code 1\n\nTraceback")
    assert await call(tool, "exit 7", language="shell") == "exit code 7"
    assert await call(tool, "kill -9 $$", language="shell") == "exit code 137 (it was killed)"
    assert (
        await call(tool, "import time; print(1); time.sleep(9)") == "stopped: it did not end within 1 s\n\n1"
    )
    with pytest.raises(ToolArgumentsInvalid, match="'ruby'"):
        await call(tool, "puts 1", language="ruby")


async def test_an_interpreter_of_a_virtual_environment_has_its_packages(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "venv"
    made = await asyncio.create_subprocess_exec(interpreter.path, "-m", "venv", "--without-pip", str(folder))
    if await made.wait():
        pytest.skip("this Python makes no virtual environments")
    packages = next((folder / "lib").glob("python*/site-packages"))
    (packages / "prices.py").write_text("VAT = 19")
    (folder / "secret.txt").write_text("not for programs")
    _open_to_all(tmp_path)
    tool = CodeTool(python=folder / "bin/python")
    assert await call(tool, "import prices; print(prices.VAT)") == "exit code 0\n\n19"
    assert "secret" not in await call(tool, f"import os; print(os.listdir({str(folder)!r}))")
    assert "ModuleNotFoundError" in await call(CodeTool(), "import prices")


async def test_a_worker_without_bubblewrap_refuses_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:

    def nowhere(name: str, path: str) -> None: ...

    monkeypatch.setattr("holdfast_activities.tools.code.sandbox.shutil.which", nowhere)
    ran = _no_process(monkeypatch)
    with pytest.raises(SandboxUnavailable, match="install bubblewrap"):
        await call(CodeTool(python=sys.executable), "print(1)")
    with pytest.raises(SandboxUnavailable, match=r"agent a, tool run_code: .*install bubblewrap"):
        await provided.check(_agent(CodeTool(python=sys.executable)))
    assert ran == []


async def test_a_machine_without_a_filter_of_calls_refuses_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    ran = _no_process(monkeypatch)
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        await call(CodeTool(python=sys.executable), "print(1)")
    assert ran == []


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--seccomp", "filter of system calls"),
        ("--unshare-pid", "other processes"),
        ("--unshare-net", "route|network"),
    ],
)
async def test_a_sandbox_that_does_not_hold_is_refused(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch, option: str, reason: str
) -> None:
    real = sandbox.command

    def made(*args: Any, **kwargs: Any) -> list[str]:
        found = real(*args, **kwargs)
        at = found.index(option)
        return found[:at] + found[at + (2 if option == "--seccomp" else 1) :]

    monkeypatch.setattr(running, "command", made)
    with pytest.raises(SandboxUnavailable, match=reason):
        await call(CodeTool(), "print(1)")


async def test_user_namespaces_that_are_forbidden_are_the_reason(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    _open_to_all(tmp_path)
    programs = dict(sandbox.programs(), bwrap=str(refusing))
    monkeypatch.setattr(sandbox, "programs", lambda: programs)
    with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
        await call(CodeTool(), "print(1)")


def _open_to_all(folder: Path) -> None:
    """Let the sandbox's user read a test's folder, which pytest makes for its own user."""
    for parent in folder.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o055)


def _agent(tool: ProvidedTool) -> dict[str, dict[str, ProvidedTool]]:
    return {"a": {tool.spec.name: tool}}


def _no_process(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The programs that are run from now on, apart from the question to the interpreter."""
    ran: list[object] = []
    real = running._started

    def started(made: list[str], passed: list[int]) -> Any:
        ran.append(made)
        return real(made, passed)

    monkeypatch.setattr(running, "_started", started)
    return ran
