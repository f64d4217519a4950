"""The processes that compose starts, started by hand from its file: they work together."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from holdfast import connect
from holdfast.testing import ScriptedModel, say
from holdfast_temporal import DevServer, probe
from tests.postgres_server import PostgresServer
from tests.workers.running import get, started

from .files import DEPLOY, compose

_NEEDED = re.compile(r"\$\{([A-Z_]+)(?::[?-]([^}]*))?\}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of the compose file with the values of its variables."""
    return _NEEDED.sub(lambda found: values.get(found[1], found[2] or ""), text)


class Service:
    """A service of the compose file, on this machine: its command and its environment."""

    def __init__(self, name: str, values: Mapping[str, str], here: Mapping[str, str]) -> None:
        service: dict[str, Any] = compose()["services"][name]
        self.command = [self._placed(filled(each, values), here) for each in service["command"]]
        self.settings = {
            name.removeprefix("HOLDFAST_").lower(): self._placed(filled(value, values), here)
            for name, value in service["environment"].items()
            if name.startswith("HOLDFAST_")
        }

    @staticmethod
    def _placed(text: str, here: Mapping[str, str]) -> str:
        for there, place in here.items():
            text = text.replace(there, place)
        return text


def prepared(folder: Path) -> dict[str, str]:
    """Run ``deploy/prepare`` in a folder; return the variables that it wrote."""
    (folder / "prepare").write_text((DEPLOY / "prepare").read_text())
    subprocess.run(["sh", str(folder / "prepare")], check=True, capture_output=True, timeout=20)
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def clear_text(endpoint: str, encrypted: bytes, metadata: Mapping[str, bytes]) -> str:
    """What the codec server answers for a payload, as the UI asks."""
    payload = {
        "metadata": {name: base64.b64encode(value).decode() for name, value in metadata.items()},
        "data": base64.b64encode(encrypted).decode(),
    }
    request = urllib.request.Request(
        f"{endpoint}/decode",
        json.dumps({"payloads": [payload]}).encode(),
        {"Content-Type": "application/json", "X-Namespace": "default", "Origin": "http://localhost:8080"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return base64.b64decode(json.load(answer)["payloads"][0]["data"]).decode()


async def the_first_input(client: Any, session: str) -> tuple[bytes, Mapping[str, bytes]]:
    """The first payload of a session's history, as Temporal has it."""
    async for event in client.get_workflow_handle(session).fetch_history_events():
        payload = event.workflow_execution_started_event_attributes.input.payloads[0]
        return payload.data, payload.metadata
    raise AssertionError("no history")


@pytest.mark.slow
async def test_the_processes_of_the_compose_file_work_together(
    server: DevServer,
    postgres_server: PostgresServer,
    tmp_path: Path,
    task_queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {**prepared(tmp_path), "HOLDFAST_TASK_QUEUE": task_queue}
    health, codec = probe.free_ports(2)
    database = await postgres_server.create("compose")
    here = {
        f"postgresql://holdfast:{values['POSTGRES_PASSWORD']}@postgresql:5432/holdfast": database,
        "temporal:7233": server.address,
        "/run/secrets": str(tmp_path / "secrets"),
        "0.0.0.0": "127.0.0.1",
        "--port=8081": f"--port={codec}",
    }
    upgrade, worker, codec_server = (
        Service(name, values, here) for name in ("state-upgrade", "worker", "codec-server")
    )
    async with ScriptedModel(lambda _: say("Three copies.")) as model:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        async with started(*upgrade.command, **upgrade.settings) as running:
            assert await running.ended() == 0, running.text
        async with (
            started(*worker.command, **worker.settings, health_port=str(health)) as first,
            started(*codec_server.command, **codec_server.settings) as decoder,
        ):
            await asyncio.gather(first.said("worker started"), decoder.said("codec server at"))
            for name, value in worker.settings.items():
                monkeypatch.setenv(f"HOLDFAST_{name.upper()}", value)
            client = await connect()
            session = await client.start("clerk", "How many copies of Dune?")
            assert (await session.wait()).text == "Three copies."
            assert (await get(health, "/ready"))[0] == 200
            data, metadata = await the_first_input(client.temporal, session.id)
            assert b"Dune" not in data
            endpoint = f"http://127.0.0.1:{codec}/{values['CODEC_TOKEN']}"
            assert "Dune" in await asyncio.to_thread(clear_text, endpoint, data, metadata)
