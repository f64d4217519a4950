"""Programs of a model as a tool, run in an operating-system sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from os import PathLike, fspath
from typing import Final

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.tools.code import LANGUAGES, CodeSettings, Language, parameters
from holdfast_workflows.contracts.tools.sources import ProvidedTool

from .. import declare

_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_GRACE: Final = 25.0
"""Seconds that a call may take longer than its program: the first one also checks the sandbox."""


@public
class CodeTool(ProvidedTool):
    """Programs that a model may run, for ``Agent(tools=[…])``: without a network, in a sandbox of the worker."""

    @known_options("CodeTool")
    def __init__(
        self,
        name: str = "run_code",
        *,
        languages: Sequence[Language] = ("python",),
        description: str = "",
        python: str | PathLike[str] = "",
        files: Mapping[str, str | PathLike[str]] | None = None,
        timeout: float | timedelta = 30.0,
        cpu_seconds: int = 30,
        memory: int = 512_000_000,
        processes: int = 32,
        disk: int = 64_000_000,
        output: int = 64_000,
        aliases: Sequence[str] = (),
        queue: str = "",
        queue_timeout: float | timedelta | None = None,
    ) -> None:
        """Declare the programs and their limits.

        A worker needs bubblewrap and user namespaces (Linux); without them it does not start.

        Args:
            name: The name that the model sees.
            languages: "python", "shell", or both.
            description: What the programs are for; the model sees it, with the limits.
            python: The interpreter on the worker, such as one of a virtual environment whose packages the programs
                need. By default the worker's own without its packages, or the system's.
            files: Copied to the working folder for each program: names, each with a file on the worker.
            timeout: Time limit of a program, in seconds or as a timedelta.
            cpu_seconds: Most processor seconds of each of its processes.
            memory: Most bytes of memory, of each process and of all together.
            processes: Most processes and threads at once.
            disk: Most bytes in the working folder, and again in /tmp; both are empty at the start.
            output: Most bytes that a program writes to its output.
            aliases: Earlier names of the tool.
            queue: The service queue whose workers make the calls; by default the agent's.
            queue_timeout: How long a call waits for a worker of its queue, in seconds or as a timedelta; 300 s by
                default.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = declare.tool_name(name, "CodeTool")
        settings = CodeSettings(
            languages=_languages(languages, where),
            python=fspath(python),
            files=_files(files or {}, where),
            timeout=declare.seconds(timeout, f"{where}: timeout"),
            cpu_seconds=declare.whole(cpu_seconds, f"{where}: cpu_seconds", 1, 86_400),
            memory=declare.whole(memory, f"{where}: memory", 64_000_000, 64_000_000_000),
            processes=declare.whole(processes, f"{where}: processes", 4, 1_000),
            disk=declare.whole(disk, f"{where}: disk", 1_000_000, 16_000_000_000),
            output=declare.whole(output, f"{where}: output", 1_000, 10_000_000),
        )
        spec = ToolSpec(
            name=name,
            description=_described(description, settings),
            parameters=parameters(settings.languages),
            timeout=settings.timeout + _GRACE,
            breaker=False,
            **declare.queue(queue, queue_timeout, where),
        )
        super().__init__(spec, settings, declare.aliases(aliases, name))


def _languages(languages: Sequence[Language], where: str) -> tuple[Language, ...]:
    used = () if isinstance(languages, str) else tuple(dict.fromkeys(languages))
    if not used or not set(used) <= set(LANGUAGES):
        raise InvalidDeclaration(
            f"{where} has languages={languages!r}; use some of {', '.join(LANGUAGES)} in a list"
        )
    return used


def _files(files: Mapping[str, str | PathLike[str]], where: str) -> dict[str, str]:
    for name in files:
        if not _FILE.fullmatch(name):
            raise InvalidDeclaration(
                f"{where} has the file {name!r}; use a plain name of letters, digits, '_', '-' and '.', without folders"
            )
    return {name: fspath(path) for name, path in files.items()}


def _described(description: str, settings: CodeSettings) -> str:
    files = f" Files in the working folder: {', '.join(settings.files)}." if settings.files else ""
    rules = (
        f"Runs a program ({' or '.join(settings.languages)}) and returns its exit code and what it printed. "
        f"No network; nothing is kept between programs; at most {settings.timeout:g} s and "
        f"{settings.memory // 1_000_000:,} MB of memory.{files}"
    )
    return f"{description.strip()}\n\n{rules}" if description.strip() else rules
