"""The command: its options, its signals, and the order of the first steps."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass

from .child import WorkerChild


@dataclass(frozen=True)
class DevOptions:
    """Options of the command. ``None`` for a port means the standard one, or a free one if that is taken."""

    app: str
    port: int | None = None
    ui_port: int | None = None
    workers: int = 1
    ui: bool = True
    reload: bool = False


async def run(options: DevOptions) -> int:
    """Serve until a signal arrives and return the exit code.

    Raises:
        BadInput: The App cannot be loaded, a setting is invalid, or a port that was asked for is taken.
        DevServerMissing: The ``temporal`` program or the file watcher is not installed.
        DevServerFailed: The server did not start, or ended unexpectedly.
    """
    stop = _stop_signal()
    # Started before this process imports Temporal's client, which takes as long as most Apps do.
    first = await WorkerChild.start(options.app)
    try:
        from .serving import Serving  # see above

        return await Serving(options, first, stop).run()
    finally:
        await first.end(0)


def _stop_signal() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; the next one cancels the current task."""
    stop, loop, task = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def on_signal() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    return stop
