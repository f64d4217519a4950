"""The processes of a sandbox, seen from outside: their memory together, and their end."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

_COUNTED: Final = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
_MOST: Final = 4_096


def family(pid: int) -> list[int]:
    """A process and its descendants; a process whose parent ended belongs to the first one of its namespace."""
    found = [pid]
    for each in found:
        with suppress(OSError, ValueError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_bytes().split()]
        if len(found) > _MOST:
            break
    return found


def memory(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold."""
    total = 0
    for each in family(pid):
        with suppress(OSError, ValueError):
            for line in Path(f"/proc/{each}/status").read_bytes().splitlines():
                if line.startswith(_COUNTED):
                    total += int(line.split()[1]) * 1_024
    return total


def end(pid: int) -> None:
    """Kill a sandbox. The first process of a namespace takes all others with it when it ends."""
    for each in reversed(family(pid)[:2]):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
