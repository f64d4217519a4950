"""The processes that compose starts, started by hand from its file: they work together."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest

from holdfast import connect
from holdfast.testing import ScriptedModel, say
from holdfast_temporal import DevServer, probe
from holdfast_workers.doctor.checks.metrics import check_alerts
from holdfast_workers.doctor.examined import Examined, Options
from holdfast_workers.settings import Settings
from holdfast_workers.startup.loading import load_app
from tests.postgres_server import PostgresServer
from tests.prometheus_programs import program
from tests.support import eventually
from tests.workers.running import get
from tests.workers.running import started_new as started

from .files import DEPLOY, compose, prepared

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


class Prometheus:
    """Prometheus with the deployment's configuration and rules, on this machine."""

    def __init__(self, folder: Path, here: Mapping[str, str]) -> None:
        self._folder, (port,) = folder, probe.free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        config = (DEPLOY / "prometheus/prometheus.yml").read_text()
        for there, place in here.items():
            assert there in config, there
            config = config.replace(there, place)
        shutil.copytree(DEPLOY / "prometheus/rules", folder / "rules")
        (folder / "prometheus.yml").write_text(config.replace("15s", "1s"))
        self._command = [
            program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Run it until the end of the block."""
        with (self._folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(*self._command, stdout=log, stderr=log)
        try:
            yield self
        finally:
            process.kill()
            await process.wait()

    async def values(self, query: str) -> list[float]:
        """The present values of a query; empty until it answers."""
        address = f"{self.url}/api/v1/query?query={quote(query)}"
        try:
            found = await asyncio.to_thread(_json, address)
        except OSError:
            return []
        return [float(each["value"][1]) for each in found["data"]["result"]]


def _json(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)


@dataclass(frozen=True)
class Deployment:
    """The services of the compose file, each placed on this machine, and the values of ``prepare``."""

    values: Mapping[str, str]
    services: Mapping[str, Service]
    prometheus: Prometheus
    health: int
    codec: int


def placed(folder: Path, temporal: str, database: str, task_queue: str) -> Deployment:
    """The deployment in a folder, with Temporal and PostgreSQL of the tests."""
    values = {**prepared(folder), "HOLDFAST_TASK_QUEUE": task_queue}
    health, codec, outside = probe.free_ports(3)
    here = {
        f"postgresql://holdfast:{values['POSTGRES_PASSWORD']}@postgresql:5432/holdfast": database,
        "temporal:7233": temporal,
        "/run/secrets": str(folder / "secrets"),
        "/var/backups": str(folder / "backups"),
        "0.0.0.0": "127.0.0.1",
        "--port=8081": f"--port={codec}",
        "worker:8000": f"127.0.0.1:{health}",
        "--port=8001": f"--port={outside}",
    }
    (folder / "prometheus").mkdir()
    discovered = "dns_sd_configs: [{names: [worker], type: A, port: 8000, refresh_interval: 15s}]"
    named = f'static_configs: [{{targets: ["127.0.0.1:{health}"]}}]'
    prometheus = Prometheus(folder / "prometheus", {discovered: named, "probe:8001": f"127.0.0.1:{outside}"})
    names = ("state-upgrade", "worker", "codec-server", "probe")
    services = {name: Service(name, values, here) for name in names}
    return Deployment(values, services, prometheus, health, codec)


@asynccontextmanager
async def started_all(it: Deployment) -> AsyncGenerator[None]:
    """Upgrade the database, then run everything until the end of the block."""
    upgrade, worker, codec, prober = it.services.values()
    async with started(*upgrade.command, **upgrade.settings) as running:
        assert await running.ended() == 0, running.text
    async with (
        started(*worker.command, **worker.settings, health_port=str(it.health)) as first,
        started(*codec.command, **codec.settings) as decoder,
        started(*prober.command, **prober.settings),
        it.prometheus.running(),
    ):
        await asyncio.gather(first.said("worker started"), decoder.said("codec server at"))
        yield


@pytest.mark.slow
async def test_the_processes_of_the_compose_file_work_together(
    server: DevServer,
    postgres_server: PostgresServer,
    tmp_path: Path,
    task_queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    it = placed(tmp_path, server.address, await postgres_server.create("compose"), task_queue)
    async with ScriptedModel(lambda _: say("Three copies.")) as model:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        for name, value in it.services["worker"].settings.items():
            monkeypatch.setenv(f"HOLDFAST_{name.upper()}", value)
        async with started_all(it):
            client = await connect()
            session = await client.start("clerk", "How many copies of Dune?")
            assert (await session.wait()).text == "Three copies."
            assert (await get(it.health, "/ready"))[0] == 200
            data, metadata = await the_first_input(client.temporal, session.id)
            assert b"Dune" not in data
            endpoint = f"http://127.0.0.1:{it.codec}/{it.values['CODEC_TOKEN']}"
            assert "Dune" in await asyncio.to_thread(clear_text, endpoint, data, metadata)
            for query, wanted in (
                ('up{job=~"holdfast-.*"}', [1.0, 1.0]),
                ('holdfast_turns_total{agent="clerk", outcome="done"}', [1.0]),
                ('holdfast_probe_up{target="temporal"}', [1.0]),
                ('ALERTS{alertname="HoldfastWatchdog",alertstate="firing"}', [1.0]),
            ):
                await eventually(partial(_is, it.prometheus, query, wanted))
            app, options = it.values["APP"], Options(prometheus=it.prometheus.url)
            examined = Examined(load_app(app).registry(), Settings.load(), app, tmp_path, options)
            found = await check_alerts(examined)
            assert (found.status == "failed", "HoldfastWatchdog" in found.text) == (False, False)


async def _is(prometheus: Prometheus, query: str, wanted: list[float]) -> bool:
    return await prometheus.values(query) == wanted
