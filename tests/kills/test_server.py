"""The Temporal server is killed, and started again on its file."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from holdfast.testing import Reply, Request, call, say
from holdfast_temporal import DevServer, probe

from ..workers.running import eventually
from .conftest import Make
from .world import World, done, ready


def asked(world: World, id: str, results: int) -> bool:
    return world.asked(id)[results] > 0


def answered(world: World, id: str, results: int) -> bool:
    return len(world.log(id)) >= 2 + 2 * results


@pytest.mark.slow
async def test_a_run_survives_sigkill_of_the_server(world: Make, task_queue: str, tmp_path: Path) -> None:
    answer: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    async def script(request: Request) -> Reply:
        if request.results == 2:
            return say("Posted.")
        await answer[request.results].wait()
        return call("post", {"what": f"post {request.results}"})

    [port] = probe.free_ports(1)
    async with DevServer(tmp_path / "server", ui=False, port=port) as server, world(script, server) as there:
        async with there.worker(task_queue) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"server-{uuid.uuid4().hex[:8]}")
            for results in (0, 1):
                await eventually(partial(asked, there, handle.id, results))
                os.killpg(server.info.pid, signal.SIGKILL)
                await eventually(lambda: not probe.listens(server.address))
                answer[results].set()  # the reply comes while the server is down
                await eventually(partial(answered, there, handle.id, results))
                await server.start()
            result = await done(handle)
        assert result.last is not None
        assert result.last.reply == "Posted."
        assert there.ledger.of(handle.id) == ["post 0", "post 1"]
        assert there.asked(handle.id) == {0: 1, 1: 1, 2: 1}
