"""The production configuration of the documents: its variables exist, and a worker serves with them."""

from __future__ import annotations

import re
import signal
import urllib.request
from asyncio import to_thread
from pathlib import Path

import pytest

from holdfast import connect
from holdfast.testing import ScriptedModel, say
from holdfast_temporal import DevServer, probe
from holdfast_workers.monitoring import watchdog
from holdfast_workers.settings import Settings
from tests.postgres_server import PostgresServer
from tests.tls_server import tls_server

from .running import ROOT, get, started

PAGE = (ROOT / "docs/configuration.md").read_text("utf-8")
BLOCK = PAGE.partition("## A production configuration")[2].partition("```ini\n")[2].partition("```")[0]
ASSIGNED = dict(re.findall(r"^(?:# )?HOLDFAST_([A-Z_]+)=(.+)$", BLOCK, re.MULTILINE))
"""The variables of the block, also of its alternatives in comments."""


def test_every_variable_of_the_production_configuration_is_a_valid_setting(tmp_path: Path) -> None:
    assert ASSIGNED.keys() <= {name.upper() for name in Settings.model_fields}
    Settings.load(**{name.lower(): value for name, value in ASSIGNED.items()})


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as page:
        return bytes(page.read())


@pytest.mark.parametrize("memory", ["postgres", "weaviate"])
async def test_a_worker_serves_with_the_production_configuration(
    server: DevServer,
    postgres_server: PostgresServer,
    memory: str,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    [health] = probe.free_ports(1)
    (tmp_path / "state-url").write_text(await postgres_server.create(f"production_{memory}"))
    async with (
        ScriptedModel(lambda _: say("Hi.")) as model,
        tls_server(server.address, tmp_path, client_certificates=True) as safe,
    ):
        here = {
            "TEMPORAL_ADDRESS": safe.address,
            "NAMESPACE": "default",
            "TASK_QUEUE": task_queue,
            "TLS_CA": safe.ca,
            "TLS_CERT": safe.cert,
            "TLS_KEY": safe.key,
            "STATE_URL_FILE": str(tmp_path / "state-url"),
            "MEMORY_URL": request.getfixturevalue("weaviate_server").url("Production")
            if memory == "weaviate"
            else "",
            "HOME": str(tmp_path),
            "HEALTH_PORT": str(health),
        }
        settings = {**ASSIGNED, **here, "API_KEY_FILE": "", "MAINTENANCE_EVERY": "0"}
        for name, value in settings.items():
            monkeypatch.setenv(f"HOLDFAST_{name}", value)
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        given = {name.lower(): value for name, value in settings.items()}
        async with started("state", "upgrade", **given) as upgrade:
            assert await upgrade.ended() == 0
        async with started("worker", "examples.deploy.v1:app", **given) as worker:
            await worker.said("worker started")
            client = await connect()
            assert await client.run("clerk", "Hello?") == "Hi."
            status, ready = await get(health, "/ready")
            assert (status, ready["temporal"], ready["state"]) == (200, "ok", "ok")
            assert b"temporal_worker_start" in await to_thread(read, f"http://127.0.0.1:{health}/metrics")
            worker.signal(signal.SIGTERM)
            assert await worker.ended() == 0
            warnings = [each for each in worker.lines if '"level": "warning"' in each]
            # On a busy machine the loop stands still, which the watchdog reports.
            assert [each for each in warnings if watchdog.__name__ not in each] == []
