"""The command line of the sandbox: namespaces, a read-only system, limits.

Every path inside is listed here. Whatever is not listed does not exist for the program.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast_workflows.contracts.errors import SandboxUnavailable
from holdfast_workflows.contracts.tools.code import CodeSettings

from .interpreter import Interpreter

UNPRIVILEGED: Final = 65_534
_SYSTEM: Final = ("bin", "lib", "lib32", "lib64", "libexec", "share/zoneinfo", "share/fonts")
_PREFIX: Final = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
"""What is shown of the folder that an interpreter is installed in; an application may be in the same folder."""
_LINKS: Final = ("/bin", "/lib", "/lib32", "/lib64")
_SETTINGS: Final = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")
_NEEDED: Final = {"bwrap": "bubblewrap", "prlimit": "util-linux", "setpriv": "util-linux"}
_SMALL: Final = 16_000_000
_OPEN_FILES: Final = 128


def programs() -> Mapping[str, str]:
    """The programs that make the sandbox, by name.

    Raises:
        SandboxUnavailable: One is missing; the detail names the package.
    """
    found: dict[str, str] = {}
    for name, package in _NEEDED.items():
        path = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
        if path is None:
            raise SandboxUnavailable(
                f"{name} is missing on this worker; install {package}, for example with `apt-get install {package}`"
            )
        found[name] = path
    return found


def command(
    settings: CodeSettings,
    interpreter: Interpreter,
    language: str,
    *,
    code: int,
    files: Mapping[str, int],
    refused: int,
    status: int,
) -> list[str]:
    """The arguments that run a program. The numbers are open file descriptors that the sandbox reads or writes."""
    tools = programs()
    # As root, a limit on the number of processes would not hold, so the sandbox is entered as another user.
    drop = (
        [tools["setpriv"], f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups", "--"]
        if os.geteuid() == 0
        else []
    )
    given = [
        each for name, number in files.items() for each in ("--ro-bind-data", str(number), f"/work/{name}")
    ]
    return [
        *drop,
        tools["bwrap"],
        *_isolation(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(_SMALL), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108 - of the sandbox
        *("--size", str(settings.disk), "--tmpfs", "/tmp"),  # noqa: S108 - of the sandbox
        *("--size", str(settings.disk), "--tmpfs", "/work"),
        *_system(interpreter),  # after the folders above, since an interpreter may be within one of them
        *given,
        *("--perms", "0444", "--ro-bind-data", str(code), "/program"),
        *("--remount-ro", "/", "--chdir", "/work"),
        *("--seccomp", str(refused), "--json-status-fd", str(status), "--"),
        *_limits(tools["prlimit"], settings),
        *([interpreter.path, "-I", "-B", "-u", "-X", "utf8"] if language == "python" else ["/bin/sh"]),
        "/program",
    ]


def _isolation() -> list[str]:
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"),
        *("--unshare-cgroup-try", "--disable-userns", "--die-with-parent", "--new-session"),
        *(
            "--cap-drop",
            "ALL",
            "--uid",
            str(UNPRIVILEGED),
            "--gid",
            str(UNPRIVILEGED),
            "--hostname",
            "sandbox",
        ),
        *("--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/work"),
        *(
            "--setenv",
            "LANG",
            "C.UTF-8",
            "--setenv",
            "OMP_NUM_THREADS",
            "1",
            "--setenv",
            "OPENBLAS_NUM_THREADS",
            "1",
        ),
        *("--setenv", "MPLCONFIGDIR", "/tmp"),  # noqa: S108 - of the sandbox
    ]


def _system(interpreter: Interpreter) -> list[str]:
    found: list[str] = []
    for name in _SYSTEM:
        found += ["--ro-bind-try", f"/usr/{name}", f"/usr/{name}"]
    for link in map(Path, _LINKS):
        if link.is_symlink():
            found += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            found += ["--ro-bind", str(link), str(link)]
    for path in _SETTINGS:
        found += ["--ro-bind-try", path, path]
    for root in interpreter.shown:
        if root != "/usr":
            found += [
                each for part in _PREFIX for each in ("--ro-bind-try", f"{root}/{part}", f"{root}/{part}")
            ]
    for hidden in interpreter.hidden:
        found += ["--tmpfs", hidden, "--remount-ro", hidden]
    return found


def _limits(prlimit: str, settings: CodeSettings) -> list[str]:
    return [
        prlimit,
        f"--nproc={settings.processes}",
        f"--as={settings.memory}",
        f"--cpu={settings.cpu_seconds}",
        f"--fsize={settings.disk}",
        f"--nofile={_OPEN_FILES}",
        "--core=0",
        "--memlock=0",
        "--msgqueue=0",
        "--",
    ]
