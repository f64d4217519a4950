"""What a worker says when it starts: models that it cannot ask, and what waiting would not mend."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from holdfast import Agent, App, Budget, MCPServer, Memory, SimplifiedReply, TenantLimits, tool
from holdfast_activities.models import Models, ProviderConfig, providers_from
from holdfast_activities.models.own_prices import OwnPrice
from holdfast_activities.state import open_state
from holdfast_temporal import DevServer
from holdfast_workers.startup.checking import warn_of_models, warn_of_prices, warn_of_secrets
from holdfast_workflows.contracts.errors import SettingsInvalid, StateUnavailable
from holdfast_workflows.contracts.text.redaction import redact
from tests.postgres_server import PostgresServer

from ..running import started

APP = "tests.workers.sample:app"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (Agent("a", model="openai:gpt"), ["agent a cannot use model openai:gpt: ", "set OPENAI_API_KEY"]),
        (Agent("a", model="anthropic:c"), ["set ANTHROPIC_API_KEY"]),
        (Agent("a", model="opnai:gpt"), ["'opnai:gpt' is not a model", "openai:…"]),
        (Agent("a", model=["local:x", "filed:x"]), ["model filed:x", "/no/such/key"]),
        (
            Agent("a", model="local:x", budget=Budget(steps=1, when_spent="degrade", cheaper="gone:x")),
            ["model gone:x"],
        ),
        (Agent("a", model="local:x", fallbacks=[SimplifiedReply(model="away:x")]), ["model away:x"]),
        (Agent("a", model="local:x", memory=Memory(model="lost:x")), ["model lost:x"]),
        (Agent("a", model="local:x"), []),
    ],
)
async def test_models_that_cannot_be_asked_are_warned_of(
    agent: Agent, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    own = {
        "local": ProviderConfig("openai", base_url="http://127.0.0.1:1/v1"),
        "filed": ProviderConfig("openai", key_from="file:/no/such/key"),
    }
    models = Models({**providers_from({}), **own}, environ={})
    with caplog.at_level(logging.WARNING):
        warn_of_models(App(agents=[agent]).registry(), models)
    await models.close()
    cannot = [record.getMessage() for record in caplog.records if "cannot use" in record.getMessage()]
    assert len(cannot) == bool(said)
    assert all(words in cannot[0] for words in said)


@pytest.mark.parametrize(
    ("budget", "tenants", "named"),
    [
        (Budget(dollars=1, when_spent="degrade", cheaper="local:cheap"), {}, ["local:m", "local:cheap"]),
        (None, {"*": TenantLimits(dollars_per_day=1)}, ["local:m"]),
        (Budget(tokens=9), {"*": TenantLimits(tokens_per_day=9)}, []),
    ],
    ids=["agent", "tenant", "tokens"],
)
def test_models_that_a_budget_in_dollars_will_refuse_are_warned_of(
    budget: Budget | None,
    tenants: dict[str, TenantLimits],
    named: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = Agent("a", model=["local:m", "local:paid", "unknown:x"], budget=budget)
    own = {"local": ProviderConfig("openai", base_url="http://127.0.0.1:1/v1")}
    prices = {"local:paid": OwnPrice(input=0, output=0)}
    warn_of_prices(App(agents=[agent], tenants=tenants).registry(), Models(own, {}, prices))
    said = [record.getMessage() for record in caplog.records if "agent a" in record.getMessage()]
    assert len(said) == len(named)
    assert all(name in line and "HOLDFAST_PRICES" in line for name, line in zip(named, said, strict=True))


def test_a_secret_of_a_tool_that_has_no_value_is_logged_at_the_start(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool(secrets=["env:SET_KEY", "env:LOST_KEY"])
    def charge() -> str:
        """Charge."""
        return ""

    monkeypatch.setenv("SET_KEY", "the-value-1")
    server = MCPServer("notes", url="https://notes.example/mcp", headers={"X-Key": "${env:MCP_KEY}"})
    agent = Agent("a", model="local:x", tools=[charge, server])
    warn_of_secrets(App(agents=[agent], secrets=["env:SET_KEY", "env:POOL_KEY"]).registry())
    of_tool, of_server, of_app = (record.getMessage() for record in caplog.records)
    assert of_tool.startswith("agent a: tool charge cannot be called: ")
    assert "variable LOST_KEY is not set" in of_tool
    assert of_server.startswith("agent a: MCP server notes cannot be reached: ")
    assert "variable MCP_KEY is not set" in of_server
    assert "variable POOL_KEY is not set" in of_app
    assert redact("with the-value-1") == "with [redacted:secret]"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"database": "no_such_db"}, 'database "no_such_db" does not exist'),
        ({"user": "no_such_user"}, 'role "no_such_user" does not exist'),
        ({"user": "guarded", "password": "wr0ng"}, 'password authentication failed for user "guarded"'),
        ({"option": "&connect_timeout=5"}, 'unrecognized configuration parameter "connect_timeout"'),
        ({"option": "&statement_timeout=soon"}, 'invalid value for parameter "statement_timeout"'),
        ({"option": "&sslmode=perhaps"}, "`sslmode` parameter must be one of"),
        ({"host": "no-such-host.invalid"}, "postgresql://no-such-host.invalid/"),
    ],
)
async def test_a_database_that_waiting_would_not_mend_ends_the_start_and_is_named(
    postgres_server: PostgresServer, change: dict[str, str], said: str
) -> None:
    await _guard(postgres_server)
    given = {"user": "postgres", "password": "s3cret", "database": "postgres", "option": "", **change}
    socket = f"?host={quote(str(postgres_server.folder))}" if "host" not in change else "?"
    url = f"postgresql://{given['user']}:{given['password']}@{change.get('host', '')}/{given['database']}{socket}"
    with pytest.raises(SettingsInvalid) as refused:
        await open_state(url + given["option"])
    told = str(refused.value)
    assert "HOLDFAST_STATE_URL: postgresql://" in told
    assert f"/{given['database']}" in told
    assert said in told
    assert given["password"] not in told


async def test_a_database_that_may_come_up_later_is_named_and_waited_for() -> None:
    with pytest.raises(StateUnavailable, match=r"postgresql://127\.0\.0\.1:1/d: ") as refused:
        await open_state("postgresql://u:s3cret@127.0.0.1:1/d")
    assert refused.value.retryable
    assert "s3cret" not in str(refused.value)


async def test_a_worker_with_an_unknown_database_host_ends_and_says_which(server: DevServer) -> None:
    settings = {
        "temporal_address": server.address,
        "task_queue": uuid.uuid4().hex,
        "state_url": "postgresql://u:s3cret@no-such-host.invalid:5432/d",
    }
    async with started("worker", APP, **settings) as worker:
        assert await worker.ended() == 2
        assert "HOLDFAST_STATE_URL: postgresql://no-such-host.invalid:5432/d" in worker.text
        assert "s3cret" not in worker.text


async def test_a_worker_with_an_unknown_temporal_host_ends_and_says_which(tmp_path: Path) -> None:
    async with started("worker", APP, temporal_address="no-such-host.invalid:7233") as worker:
        assert await worker.ended() == 3
        assert "no-such-host.invalid:7233: unknown host" in worker.text


async def test_a_worker_that_cannot_sandbox_the_code_of_its_models_ends_and_says_why(
    server: DevServer, tmp_path: Path
) -> None:
    settings = {
        "temporal_address": server.address,
        "task_queue": uuid.uuid4().hex,
        "state_url": f"sqlite+aiosqlite:///{tmp_path / 'state.db'}",
    }
    async with started("worker", "tests.workers.coding:app", **settings) as worker:
        assert await worker.ended() != 0
        assert "agent coder, tool run_code: the interpreter /no/such/python does not run" in worker.text
        assert "install bubblewrap" in worker.text


async def _guard(server: PostgresServer) -> None:
    """Have the server ask the user ``guarded`` for a password."""
    rules = server.data / "pg_hba.conf"
    if "guarded" in rules.read_text():
        return
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    connection = await asyncpg.connect(host=str(server.folder), user="postgres", database="postgres")
    try:
        await connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'r1ght'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
