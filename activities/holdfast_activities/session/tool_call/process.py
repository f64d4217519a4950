"""Identify the process that makes a call, and check whether it has certainly ended.

A call that must happen once is attempted again only after the earlier attempt has certainly ended. The
operating system knows that for processes on the same machine; for others it cannot be known.
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
    """Whether a process, as named by ``here``, has certainly ended."""
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
    # Its id may have been reused. A zombie does nothing any more.
    return now == _DEAD or bool(started and now and now != started)


_DEAD = "dead"


def _started(number: int) -> str:
    """The start time of a process in kernel ticks; empty if it cannot be read."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return _DEAD if fields[0] in "ZX" else fields[19]


@cache
def _machine() -> str:
    """The boot of the machine and the container: process ids are unique only within them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()
