"""Turning encryption on in a deployment that has sessions already, with worker processes."""

import signal
import uuid
from pathlib import Path

import pytest

from holdfast import connect
from holdfast.testing import ScriptedModel, say
from holdfast_temporal import Connection, DevServer
from holdfast_temporal import connect as connect_temporal
from holdfast_workers.encryption.changing import encrypt_again
from holdfast_workers.settings import Settings
from tests.support import always
from tests.temporal.encryption.keys import write_keys
from tests.temporal.encryption.test_at_rest import files_with
from tests.workers.running import started

APP = """
from holdfast import Agent, App
app = App(agents=[Agent("clerk", model="openai:gpt-test", instructions="Answer.")])
"""
CANARY = "canary-88127"


async def test_a_session_from_before_the_keys_goes_on_and_its_content_is_encrypted(
    tmp_path: Path, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_keys(tmp_path / "keys", "k1")
    keys, home, queue = f"file:{tmp_path}/keys", tmp_path / "home", f"q-{uuid.uuid4().hex}"
    (tmp_path / "clerks.py").write_text(APP)
    async with ScriptedModel(always(say(f"It is {CANARY}."))) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "x")
        settings = {
            "temporal_address": server.address, "task_queue": queue, "home": str(home),
        }  # fmt: skip
        async with started("worker", "clerks:app", cwd=tmp_path, **settings) as worker:
            await worker.said("worker started")
            client = await connect(server.address, task_queue=queue)
            session = await client.start("clerk", f"Find {CANARY}.")
            assert CANARY in (await session.wait()).text
            worker.signal(signal.SIGTERM)
            await worker.ended()
        assert files_with(home, CANARY)

        both = {**settings, "keys": keys, "accept_clear": "true"}
        async with started("worker", "clerks:app", cwd=tmp_path, **both) as worker:
            await worker.said("worker started")
            temporal = await connect_temporal(
                server.address, settings=Connection(keys=keys, accept_clear=True)
            )
            again = (await connect(temporal=temporal, task_queue=queue)).session(session.id)
            assert CANARY in (await again.send("Once more")).text
            loaded = Settings.load(keys=keys, home=home)
            assert await encrypt_again(loaded, lambda _: None, temporal=False) == 0
            assert len([entry async for entry in again.log()]) == 4
            worker.signal(signal.SIGTERM)
            await worker.ended()
    assert files_with(home, CANARY) == set()
