"""A drill: a worker is killed while it calls a model, and another one finishes its sessions."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from holdfast_workers.settings import Settings

from ..examined import Examined
from ..findings import Finding, failed, ok
from ..scratch.deployment import Scratch, placed
from ..scratch.model import REPLY

_WORKERS: Final = 2
_SESSIONS: Final = 6
_START: Final = 60.0


async def check(examined: Examined) -> Finding:
    """Two worker processes hold calls; the one with more of them gets SIGKILL."""
    client = await examined.client()
    async with placed(client, examined.folder) as made:
        model = made.model
        async with _processes(made, examined.settings) as workers:
            running = [asyncio.create_task(made.run("held")) for _ in range(_SESSIONS)]
            try:
                async with asyncio.timeout(_START):
                    while model.holding.total() < _SESSIONS:  # noqa: ASYNC110 # requests of other processes
                        await asyncio.sleep(0.05)
                victim, held = model.holding.most_common(1)[0]
                workers[victim].send_signal(signal.SIGKILL)
                await workers[victim].wait()
                began = time.monotonic()
                model.release.set()
                ended = await asyncio.gather(*running)
            finally:
                for each in running:
                    each.cancel()
    answered = sum(each.said == REPLY for each in ended)
    if answered < _SESSIONS:
        return failed(
            f"{_SESSIONS - answered} of {_SESSIONS} sessions got no reply", "look at their histories"
        )
    return ok(
        f"a worker was killed during {held} calls; all {_SESSIONS} sessions were answered "
        f"{time.monotonic() - began:.1f} s later"
    )


@asynccontextmanager
async def _processes(made: Scratch, settings: Settings) -> AsyncGenerator[dict[str, Process]]:
    """Worker processes by name; they are ended with the block."""
    given = {"queue": made.queue, "folder": str(made.folder), "urls": dict(made.urls)}
    environment = {
        **os.environ,
        "HOLDFAST_TEMPORAL_ADDRESS": settings.temporal_address,
        "HOLDFAST_NAMESPACE": settings.namespace,
        "HOLDFAST_HOME": str(settings.home),
    }
    workers: dict[str, Process] = {}
    try:
        for number in range(_WORKERS):
            name = f"drill-{number + 1}"
            workers[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "holdfast_workers.doctor.scratch", json.dumps({**given, "name": name}),
                stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=environment,
            )  # fmt: skip
        yield workers
    finally:
        for process in workers.values():
            if process.returncode is None:
                process.kill()
            await process.wait()
