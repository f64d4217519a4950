"""The nightly script, run twice against a worker."""

from __future__ import annotations

import asyncio

import pytest

from examples.nightly import app, main
from holdfast.testing import Environment, Reply, Request, ScriptedModel, say
from holdfast_temporal import DevServer


def script(request: Request) -> Reply:
    mood = "bad" if "returned it" in request.conversation else "good"
    return say(f'{{"mood": "{mood}", "summary": "A reader\'s view."}}')


async def test_the_script_prints_each_verdict_and_a_second_run_calls_no_model(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        ScriptedModel(script) as model,
        Environment.start(app, model, server=server.address) as running,
    ):
        monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
        monkeypatch.setenv("HOLDFAST_TASK_QUEUE", running.task_queue)
        for _ in range(2):
            assert await asyncio.to_thread(main, running.task_queue) == 0
            assert capsys.readouterr().out.splitlines() == [
                "kindred: good, A reader's view.",
                "middlemarch: bad, A reader's view.",
            ]
        assert len(model.requests) == 2
