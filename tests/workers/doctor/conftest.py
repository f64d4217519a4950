"""A deployment on the tests' server, to be examined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast import Agent, App
from holdfast_activities.state import upgrade
from holdfast_temporal import DevServer, connect, ensure_search_attributes
from holdfast_workers.doctor.checks.all import CHECKS
from holdfast_workers.doctor.examination import chosen, examine
from holdfast_workers.doctor.examined import Examined, Options
from holdfast_workers.doctor.findings import Result
from holdfast_workers.settings import Settings

Examining = Callable[..., Examined]

PLAIN = App(name="plain", agents=[Agent("clerk", model="openai:gpt-5-mini", instructions="Answer.")])


async def run(examined: Examined, name: str) -> Result:
    """The result of one check, after those that it needs."""
    async with examined.opened():
        return [result async for result in examine(examined, chosen(CHECKS, [name], []))][-1]


@pytest.fixture
async def examining(
    server: DevServer, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Examining:
    """Make a deployment with settings, options and an App; its database is current."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    await upgrade(url)
    await ensure_search_attributes(await connect(server.address))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def make(app: App = PLAIN, options: Options | None = None, **settings: Any) -> Examined:
        given = {
            "temporal_address": server.address, "task_queue": task_queue, "state_url": url, "home": tmp_path,
        }  # fmt: skip
        own = Settings.load(**{**given, **settings})
        return Examined(app.registry(), own, "tests:app", tmp_path, options or Options())

    return make
