from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from holdfast_workers.monitoring import health
from holdfast_workers.monitoring.health import Health, HealthServer, Ready
from holdfast_workflows.contracts.errors import SettingsInvalid, StateUnavailable

from ..running import get


async def fine() -> None:
    """A part that answers."""


async def down() -> None:
    """A part that says that it cannot."""
    raise StateUnavailable("connection lost \ud800")


async def silent() -> None:
    """A part that never answers."""
    await asyncio.Event().wait()


@pytest.fixture
async def pages() -> AsyncIterator[HealthServer]:
    """A server on no port yet."""
    server = HealthServer()
    yield server
    server.close()


async def test_a_worker_that_runs_with_all_its_parts_is_ready(pages: HealthServer) -> None:
    port = await pages.listen("127.0.0.1", 0)
    pages.phase, pages.checks = "running", {"temporal": fine, "state": fine}
    status, body = await get(port, "/ready?verbose=1")
    assert (status, Ready(**body)) == (200, Ready(ok=True, worker="running", temporal="ok", state="ok"))
    status, body = await get(port, "/health")
    assert status == 200
    assert Health(**body).worker == "running"
    assert await get(port, "/health", "HEAD") == (200, {})


async def test_a_part_that_is_down_makes_it_unready_but_healthy(pages: HealthServer) -> None:
    port = await pages.listen("127.0.0.1", 0)
    pages.phase, pages.checks = "running", {"temporal": fine, "state": down}
    status, body = await get(port, "/ready")
    assert status == 503
    assert body["temporal"] == "ok"
    assert "HOLDFAST_STATE_URL" in body["state"]
    assert (await get(port, "/health"))[0] == 200


async def test_a_part_that_is_silent_is_given_up_within_the_bound(
    pages: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_TIMEOUT", 0.1)
    pages.phase, pages.checks = "running", {"temporal": silent, "state": fine}
    async with asyncio.timeout(30):
        assert await pages.ready() == Ready(
            ok=False, worker="running", temporal="no answer in 0.1 s", state="ok"
        )


@pytest.mark.parametrize(("phase", "health", "ready"), [
    ("starting", 200, 503), ("running", 200, 200), ("stopping", 200, 503), ("failed", 503, 503),
])  # fmt: skip
async def test_each_phase_has_its_answers(
    pages: HealthServer, phase: health.Phase, health: int, ready: int
) -> None:
    port = await pages.listen("127.0.0.1", 0)
    pages.phase, pages.checks = phase, {"temporal": fine, "state": fine}
    assert (await get(port, "/health"))[0] == health
    assert (await get(port, "/ready"))[0] == ready


async def test_other_pages_and_nonsense_do_no_harm(pages: HealthServer) -> None:
    port = await pages.listen("127.0.0.1", 0)
    assert (await get(port, "/"))[0] == 404
    assert (await get(port, "/health", "POST"))[0] == 404
    for nonsense in (b"\r\n\r\n", b"\xff\x00" * 50_000 + b"\r\n\r\n", b"GET /health"):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(nonsense)
        writer.close()
    assert (await get(port, "/health"))[0] == 200


async def test_a_port_that_is_taken_is_a_setting_to_correct(pages: HealthServer) -> None:
    port = await pages.listen("127.0.0.1", 0)
    with pytest.raises(SettingsInvalid, match=f"HOLDFAST_HEALTH_PORT: 127.0.0.1:{port}"):
        await HealthServer().listen("127.0.0.1", port)
