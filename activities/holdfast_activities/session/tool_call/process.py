"""Which process makes a call, and whether that process has certainly ended.

A call that must happen once is followed by another attempt only when the earlier one is over for
certain. Of a process on the same machine the operating system knows; of any other nobody does.
"""

import os
import socket
import sys
from functools import cache
from pathlib import Path


@cache
def here() -> str:
    """This process, as others on its machine can recognise it: ``machine/process id/start time``."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid()) or ''}"


def gone(where: str) -> bool:
    """Whether a process that was named by ``here`` has certainly ended."""
    machine, _, rest = where.partition("/")
    number, _, started = rest.partition("/")
    if sys.platform == "win32" or machine != _machine() or not number.isdigit():
        return False
    if int(number) == os.getpid():
        return where != here()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = _started(int(number))
    # Its number may be another's by now. One that is dead and not yet collected does nothing any more.
    return now == _DEAD or bool(started and now and now != started)


_DEAD = "dead"


def _started(number: int) -> str:
    """When a process was started, in the kernel's ticks; empty where that cannot be read."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return _DEAD if fields[0] in "ZX" else fields[19]


@cache
def _machine() -> str:
    """The machine since it was started, and on it the container: process ids mean something only there."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()
