"""Checks of the configuration and its dependencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast import Agent, App, Budget
from holdfast.testing import ScriptedModel, say, unauthorized
from holdfast_temporal import DevServer, binding, connect
from holdfast_workers.doctor.checks import disk
from holdfast_workers.doctor.examined import Options
from holdfast_workers.startup import binding as bindings

from .conftest import PLAIN, Examining, run


async def test_a_missing_or_misspelt_setting_is_named(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_NAMESPASE", "agents")
    found = await run(examining(), "settings")
    assert found.status == "warning"
    assert "HOLDFAST_HEALTH_PORT is not set" in found.text
    assert "did you mean HOLDFAST_NAMESPACE?" in found.text
    assert "HOLDFAST_STATE_URL" not in found.text


async def test_a_complete_configuration_is_ok(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_NAMESPACE", "default")
    assert (await run(examining(health_port=8000), "settings")).status == "ok"


async def test_a_window_that_the_model_does_not_have_fails(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")

    def one(window: int | None, instructions: str = "Answer.") -> App:
        agent = Agent(
            "clerk", model="openai:gpt-5-mini", instructions=instructions, context_window=window,
            budget=Budget(tokens=10_000),
        )  # fmt: skip
        return App(name="one", agents=[agent])

    assert (await run(examining(one(None)), "agents")).status == "ok"
    large = await run(examining(one(99_000_000)), "agents")
    assert (large.status, "99,000,000" in large.text) == ("failed", True)
    full = await run(examining(one(2_000, "Answer. " * 1_000)), "agents")
    assert (full.status, "fill openai:gpt-5-mini" in full.text) == ("failed", True)


async def test_an_agent_without_a_budget_is_named(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    found = await run(examining(), "agents")
    assert (found.status, found.text) == ("warning", "agent clerk has no budget")


async def test_temporal_is_read(examining: Examining) -> None:
    found = await run(examining(), "temporal")
    assert (found.status, found.text.endswith("keeps histories for 1 day")) == ("ok", True)


async def test_a_namespace_that_does_not_exist_fails(examining: Examining) -> None:
    found = await run(examining(namespace="missing"), "temporal")
    assert (found.status, "missing" in found.text) == ("failed", True)


async def test_a_server_that_does_not_answer_fails_and_what_needs_it_is_skipped(examining: Examining) -> None:
    examined = examining(temporal_address="127.0.0.1:9")
    assert (await run(examined, "temporal")).status == "failed"
    found = await run(examined, "binding")
    assert (found.status, found.text) == ("skipped", "needs temporal")


async def test_a_full_disk_fails(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GB free" in (await run(examining(), "disk")).text
    monkeypatch.setattr(disk, "_LEAST", 10**18)
    found = await run(examining(), "disk")
    assert (found.status, found.text.startswith("the disk is full: HOLDFAST_HOME has")) == ("failed", True)


async def test_a_database_without_tables_fails_with_the_command(examining: Examining, tmp_path: Path) -> None:
    found = await run(examining(state_url=f"sqlite:///{tmp_path / 'new.db'}"), "state")
    assert (found.status, "holdfast state upgrade" in found.remedy) == ("failed", True)
    assert (await run(examining(), "state")).status == "warning"  # SQLite


async def test_a_queue_of_another_app_fails(examining: Examining, server: DevServer, task_queue: str) -> None:
    examined = examining()
    assert (await run(examined, "binding")).status == "ok"
    async with examined.opened():
        other = bindings.make(
            App(name="other", agents=[*PLAIN.agents.values()]).registry(),
            "x",
            (await examined.state()).identity,
        )
    await binding.bind(await connect(server.address), task_queue, other)
    found = await run(examining(), "binding")
    assert (found.status, "'other'" in found.text) == ("failed", True)


async def test_a_model_without_a_key_fails_and_one_that_refuses_fails_when_it_is_called(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await run(examining(), "models")
    assert (found.status, "OPENAI_API_KEY" in found.text) == ("failed", True)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    assert (await run(examining(), "models")).status == "ok"
    calling = Options(call_models=True)
    async with ScriptedModel([say("fit"), unauthorized()]) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        good = await run(examining(options=calling), "models")
        assert (good.status, "answered in" in good.text) == ("ok", True)
        bad = await run(examining(options=calling), "models")
        assert (bad.status, "openai:gpt-5-mini" in bad.text) == ("failed", True)
