"""Run a command as a child process that ends with the parent: ``supervisor.py PARENT COMMAND…``.

A process that is killed cannot stop its children, and many MCP servers go on after the end of their input. This
process looks for its parent instead, and kills its process group once the parent is gone. It is run as a file by a
bare interpreter (``-I -S``), so it imports only what is built in.
"""

import os
import signal
import sys
import time
from contextlib import suppress

_EVERY = 0.5  # seconds


def main() -> int:
    """Run the command and return its exit code; the server talks on this process's own input and output."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    # Blocked before the child exists, so that its end is noticed at once. The child gets the defaults back.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    defaults = (signal.SIGPIPE, signal.SIGXFSZ)
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=(), setsigdef=defaults)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    # The server alone has the ends of the pipes: their end is then its end.
    for stream in (0, 1, 2):
        os.close(stream)
    signal.signal(signal.SIGTERM, lambda _number, _frame: _pass_on(child))
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)
        _wait()


def _pass_on(child: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)


def _wait() -> None:
    """Wait for the child, or until the parent has to be looked for."""
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait({signal.SIGCHLD}, _EVERY)
    else:
        time.sleep(_EVERY / 5)


if __name__ == "__main__":
    sys.exit(main())
