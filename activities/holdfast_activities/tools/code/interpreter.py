"""The Python that runs programs, and the folders that it needs."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from holdfast_workflows.contracts.errors import SandboxUnavailable

SYSTEM = "/usr/bin/python3"

_ASK = (
    "import json, sys, sysconfig; "
    "print(json.dumps([sys.prefix, sys.base_prefix, sysconfig.get_path('purelib')]))"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter: the folders to show, read-only, and those to hide within them."""

    path: str
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def candidates(python: str) -> tuple[str, ...]:
    """The interpreters to try: the declared one only, else the worker's own without its packages, and the system's."""
    if python:
        return (python,)
    own = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    return tuple(dict.fromkeys((own, SYSTEM)))


async def inspect(python: str, *, packages: bool) -> Interpreter:
    """Ask an interpreter for its folders; ``packages`` is whether installed packages are shown.

    Raises:
        SandboxUnavailable: It does not run.
    """
    try:
        asked = await asyncio.create_subprocess_exec(
            python, "-I", "-c", _ASK, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env={}
        )
        answer, _ = await asked.communicate()
        return _interpreter(python, json.loads(answer), packages=packages)
    except (OSError, ValueError) as error:
        raise SandboxUnavailable(f"the interpreter {python} does not run: {error}") from None


def _interpreter(python: str, folders: list[str], *, packages: bool) -> Interpreter:
    *roots, installed = folders
    # Its own place, too: a virtual environment links to an interpreter that may be somewhere else.
    roots.append(str(Path(os.path.realpath(python)).parent.parent))
    hide = not packages and Path(installed).is_dir() and not installed.startswith("/usr/lib")
    return Interpreter(python, tuple(dict.fromkeys(roots)), (installed,) if hide else ())
