"""Keys that rotate every five seconds while sessions run: nothing fails to decrypt."""

import asyncio
import logging
import time
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from holdfast import Agent, App, Client, Memory, connect, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast.testing import replay as replay_histories
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.errors import EncryptionError

from .keys import write_keys

pytestmark = pytest.mark.slow

ROTATIONS = 5
EVERY = 5.0
SENDERS = 4


@tool
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def reply(request: Request) -> Reply:
    """A tool call, then an answer."""
    return say("Done.") if request.number % 2 == 0 else call("double", {"number": request.number})


APP = App(
    agents=[Agent("clerk", model="openai:gpt-test", instructions="Answer.", tools=[double], memory=Memory())]
)


async def sessions_until(client: Client, end: float) -> list[str]:
    """Start sessions and send to them until a time; the ids of all."""
    ids: list[str] = []
    while time.monotonic() < end:
        session = await client.start("clerk", "First", user="u1")
        await session.wait()
        await session.send("Second")
        ids.append(session.id)
    return ids


async def test_keys_that_rotate_under_load_fail_no_payload_and_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys"
    kept = write_keys(path, "k0")
    monkeypatch.setenv("HOLDFAST_KEYS", f"file:{path}")
    with caplog.at_level(logging.WARNING):
        async with (
            DevServer(tmp_path / "server", memory=True, ui=False) as server,
            ScriptedModel(reply) as model,
            Environment.start(APP, model, server=server.address, keys=f"file:{path}") as holdfast,
        ):
            end = time.monotonic() + ROTATIONS * EVERY
            # Each client has keys of its own, as in another process.
            clients = [await connect(server.address, task_queue=holdfast.task_queue) for _ in range(SENDERS)]
            async with asyncio.TaskGroup() as group:
                sending = [group.create_task(sessions_until(client, end)) for client in clients]
                for number in range(1, ROTATIONS + 1):
                    await asyncio.sleep(EVERY)
                    kept |= write_keys(path, f"k{number}", *reversed(kept), keep=kept)
            ids = [id for task in sending for id in task.result()]
            assert len(ids) > 2 * SENDERS
            fresh = await connect(server.address, task_queue=holdfast.task_queue)
            histories = [await fresh.temporal.get_workflow_handle(id).fetch_history() for id in ids]
            stored = [len(await holdfast.state.log.read(id, 0)) for id in ids]
        await replay_histories(*histories)
    used = {
        key for key in kept if any(f"\x12{chr(len(key))}{key}".encode() in _bytes(each) for each in histories)
    }
    assert len(used) >= ROTATIONS
    assert all(stored)
    codes = [error.code for error in EncryptionError.__subclasses__()]
    assert len(codes) == 4
    assert not [line for line in caplog.messages if any(code in line for code in codes)]


def _bytes(history: WorkflowHistory) -> bytes:
    return b"".join(event.SerializeToString() for event in history.events)
