"""The code tool."""

import asyncio
from typing import Final

from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import SandboxUnavailable, ToolArgumentsInvalid, ToolFailed
from holdfast_workflows.contracts.text.unicode import clean, preview
from holdfast_workflows.contracts.tools.code import CodeArguments, CodeSettings

from ..contract_tool import ContractTool
from . import interpreter as interpreters
from .interpreter import Interpreter
from .run import Outcome, run

_SIGNALS: Final = {
    137: "it was killed",
    152: "it used all its processor time",
    153: "it wrote too large a file",
}

_PROBE: Final = """
import os, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
assert status["Seccomp"].strip() == "2", "no filter of system calls"
assert status["NoNewPrivs"].strip() == "1", "programs may gain privileges"
assert int(status["CapEff"], 16) == 0, "there are capabilities"
assert os.getuid() == 65534, "the user is not 65534"
assert sorted(int(each) for each in os.listdir("/proc") if each.isdigit()) == sorted({1, os.getpid()} | {os.getppid()}), "other processes are seen"
assert sorted(os.listdir("/sys/class/net") if os.path.isdir("/sys") else ["lo"]) == ["lo"], "there is a network"
assert len(open("/proc/net/route").readlines()) <= 1, "there is a route"
for path in ("/root", "/home", "/etc/shadow", "/etc/passwd", "/run", "/var"):
    assert not os.access(path, os.R_OK), path + " is seen"
try:
    open("/probe", "w")
except OSError:
    print("sandboxed")
"""


def code_tool(spec: ToolSpec, settings: CodeSettings) -> ContractTool:
    """The binding of a code tool."""
    return ContractTool(spec, CodeArguments, CodeRuns(settings).call)


class CodeRuns:
    """Runs the programs of one code tool."""

    def __init__(self, settings: CodeSettings) -> None:
        self._settings = settings
        self._interpreter: Interpreter | None = None
        self._checking = asyncio.Lock()

    async def call(self, asked: CodeArguments, context: ToolContext) -> str:
        """Run a program and return its exit code and output.

        Raises:
            SandboxUnavailable: This worker cannot make the sandbox, so nothing was run.
        """
        language = asked.language if "language" in asked.model_fields_set else self._settings.languages[0]
        if language not in self._settings.languages:
            raise ToolArgumentsInvalid(
                f"language {language!r} is not offered; use {self._settings.languages[0]!r}"
            )
        interpreter = await self.checked()
        return _shown(await run(self._settings, interpreter, language, asked.code))

    async def checked(self) -> Interpreter:
        """The interpreter, once a program has shown in the sandbox that it holds.

        Raises:
            SandboxUnavailable: It does not; the detail says why.
        """
        async with self._checking:
            if self._interpreter is None:
                self._interpreter = await _first_that_works(self._settings)
            return self._interpreter


async def _first_that_works(settings: CodeSettings) -> Interpreter:
    problems: list[str] = []
    # The check must not fail for a small limit of the author; the limits themselves are the same kind.
    probe = CodeSettings(timeout=20.0, files={})
    for python in interpreters.candidates(settings.python):
        try:
            found = await interpreters.inspect(python, packages=bool(settings.python))
            outcome = await run(probe, found, "python", _PROBE)
        except SandboxUnavailable as error:
            problems.append(error.detail)
            continue
        if outcome.code == 0 and outcome.output.strip() == b"sandboxed":
            return found
        text = outcome.output.decode(errors="replace").strip() or outcome.stopped
        problems.append(f"{python}: {preview(text.splitlines()[-1] if text else 'it ended at once', 300)}")
    raise SandboxUnavailable("; ".join(dict.fromkeys(problems)))


def _shown(outcome: Outcome) -> str:
    """The outcome as text for the model."""
    text = clean(outcome.output.decode(errors="replace"))
    if outcome.stopped:
        return f"stopped: {outcome.stopped}\n\n{text}".rstrip()
    if outcome.code is None:
        # It has held before, so this is a shortage of the machine, such as too many processes.
        raise ToolFailed(f"the sandbox could not be made: {preview(text, 500)}")
    why = _SIGNALS.get(outcome.code, "")
    return f"exit code {outcome.code}{f' ({why})' if why else ''}\n\n{text}".rstrip()
