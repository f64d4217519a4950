"""The processes of the demo: workers, and the offline analyst if no model is set."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_STOP = 15.0  # seconds a worker may take to finish its calls at the end


@dataclass
class Workers:
    """Worker processes, one after the other; their output goes to a log file."""

    environment: dict[str, str]
    log: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def start(self) -> int:
        """Start a worker as from a shell; return its process id."""
        holdfast = Path(sys.executable).with_name("holdfast")
        command = [str(holdfast), "worker", "examples.analyst.app:app"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, env=os.environ | self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._running.append(process)
        return process.pid

    def kill(self) -> int:
        """Kill the running worker with SIGKILL; return its process id."""
        process = self._running.pop()
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process.pid

    def died(self) -> int | None:
        """The exit code of a worker that exited without being stopped, if one did."""
        return next((p.returncode for p in self._running if p.poll() is not None), None)

    def stop(self) -> None:
        """Stop the running workers: SIGTERM first, then SIGKILL."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP)
                continue
            process.kill()
            process.wait()
        self._running.clear()
