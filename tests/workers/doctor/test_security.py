"""Checks of security and monitoring."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast import Agent, App, Permissions, allow, tool
from holdfast_activities.identity import api_keys
from holdfast_workers.doctor.examined import Options
from holdfast_workers.monitoring.health import HealthServer
from holdfast_workflows.contracts.control.identity import Principal
from tests.temporal.encryption.keys import write_keys

from .conftest import Examining, run


@tool(effect="once")
async def pay(cents: int) -> str:
    """Pay.

    Args:
        cents: The amount.
    """
    return f"paid {cents}"


def paying(permissions: Permissions | None = None, secrets: list[str] | None = None) -> App:
    """An App whose agent pays."""
    agent = Agent("clerk", model="openai:x", instructions="", tools=[pay], permissions=permissions)
    return App(name="paying", agents=[agent], secrets=secrets or [])


async def test_a_payload_is_encrypted_and_clear_ones_are_named(examining: Examining, tmp_path: Path) -> None:
    assert (await run(examining(), "encryption")).status == "warning"
    write_keys(tmp_path / "keys", "k1")
    found = await run(examining(keys=f"file:{tmp_path}/keys"), "encryption")
    assert (found.status, "was encrypted" in found.text) == ("ok", True)
    (tmp_path / "keys").write_text("k1:short\n")
    assert (await run(examining(keys=f"file:{tmp_path}/keys"), "encryption")).status == "failed"


async def test_a_password_in_a_setting_and_a_reference_without_a_value_are_named(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await run(examining(), "secrets")).status == "ok"
    found = await run(examining(memory_url="postgresql://me:hunter2@db/memories"), "secrets")
    assert (found.status, found.text) == ("warning", "HOLDFAST_MEMORY_URL has a password in its text")
    monkeypatch.setenv("THERE", "a value that no other test writes")
    assert (await run(examining(paying(secrets=["env:THERE"])), "secrets")).status == "ok"
    missing = await run(examining(paying(secrets=["env:NOT_THERE"])), "secrets")
    assert (missing.status, "NOT_THERE" in missing.text) == ("failed", True)


async def test_a_tool_with_an_effect_that_no_rule_covers_is_named(examining: Examining) -> None:
    found = await run(examining(paying()), "permissions")
    assert (found.status, "clerk.pay" in found.text) == ("warning", True)
    ruled = paying(Permissions(rules=(allow("pay"),)))
    assert (await run(examining(ruled), "permissions")).status == "ok"


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, "ok"),
        ({"temporal_address": "temporal.internal:7233"}, "failed"),
        ({"temporal_address": "temporal.internal:7233", "tls": "true"}, "ok"),
        ({"memory_url": "postgresql://db.internal/memories"}, "warning"),
        ({"memory_url": "postgresql://db.internal/memories?sslmode=verify-full"}, "ok"),
        ({"memory_url": "weaviate://weaviate.internal:8080"}, "warning"),
        ({"providers": {"own": {"kind": "openai", "base_url": "http://models.internal/v1"}}}, "warning"),
    ],
)
async def test_a_connection_without_tls_to_another_machine_is_named(
    examining: Examining, settings: dict[str, object], status: str
) -> None:
    assert (await run(examining(**settings), "tls")).status == status


async def test_a_deployment_without_an_identity_provider_is_named(
    examining: Examining, tmp_path: Path
) -> None:
    assert (await run(examining(), "identity")).status == "warning"
    api_keys.create(
        tmp_path / "api-keys", "ann", Principal(id="ann", roles=("user",), tenant="acme"), now=0.0
    )
    (tmp_path / "identity").write_text("a secret of the deployment, for tests\n")
    settings = {
        "identity_api_keys": str(tmp_path / "api-keys"), "identity_key": f"file:{tmp_path}/identity",
    }  # fmt: skip
    assert (await run(examining(**settings), "identity")).status == "ok"


async def test_a_worker_that_is_not_ready_or_shows_no_metrics_fails(examining: Examining) -> None:
    assert (await run(examining(), "metrics")).status == "skipped"
    health = HealthServer()
    port = await health.listen("127.0.0.1", 0)
    there = Options(workers=(f"http://127.0.0.1:{port}",))
    try:
        waiting = await run(examining(options=there), "metrics")
        assert (waiting.status, "not connected yet" in waiting.text) == ("failed", True)
        health.phase = "running"
        health.checks = {"temporal": _answers, "state": _answers}
        bare = await run(examining(options=there), "metrics")
        assert (bare.status, "shows no metric" in bare.text) == ("failed", True)
        health.metrics = _page
        assert (await run(examining(options=there), "metrics")).status == "ok"
    finally:
        health.close()
    gone = await run(examining(options=there), "metrics")
    assert (gone.status, "/ready" in gone.text) == ("failed", True)


async def _answers() -> None:
    """A part that answers."""


async def _page() -> bytes:
    return b"# TYPE holdfast_turns_total counter\n"


async def test_prometheus_that_does_not_answer_fails(examining: Examining) -> None:
    assert (await run(examining(), "alerts")).status == "skipped"
    there = Options(prometheus="http://127.0.0.1:9")
    assert (await run(examining(options=there), "alerts")).status == "failed"
