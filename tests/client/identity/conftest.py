"""A deployment with an identity provider, and clients of different principals."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast import App, Client, connect
from holdfast.testing import Environment, Reply, Request, ScriptedModel
from holdfast_activities.identity import api_keys
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.control.identity import Principal

from ...support import app

SECRET = "a secret of the deployment, for tests"

PRINCIPALS: dict[str, Principal] = {
    "ann": Principal(id="ann", roles=("user",), tenant="acme"),
    "bob": Principal(id="bob", roles=("user",), tenant="acme"),
    "eve": Principal(id="eve", roles=("user", "approver", "operator", "auditor"), tenant="evil"),
    "approver": Principal(id="approver", roles=("approver",), tenant="acme"),
    "operator": Principal(id="operator", kind="operator", roles=("operator",), tenant="acme"),
    "auditor": Principal(id="auditor", roles=("auditor",), tenant="acme"),
    "backend": Principal(id="backend", kind="service", roles=("user",), tenant="acme"),
    "nobody": Principal(id="nobody", roles=(), tenant="acme"),
    "root": Principal(id="root", kind="operator", roles=("user", "approver", "operator", "auditor")),
}


@dataclass
class Guarded:
    """A deployment whose requests are checked."""

    environment: Environment
    keys: dict[str, str]
    file: Path

    async def client(self, name: str, **options: Any) -> Client:
        """A client with the API key of one of the principals; empty for none."""
        return await connect(
            temporal=self.environment.temporal,
            task_queue=self.environment.task_queue,
            credential=self.keys[name] if name else None,
            **options,
        )


Guarding = Callable[..., AbstractAsyncContextManager[Guarded]]


@pytest.fixture
def guarding(server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guarding:
    """Start a deployment with API keys for all principals."""
    monkeypatch.setenv("IDENTITY_KEY", SECRET)

    @asynccontextmanager
    async def start(
        script: list[Reply] | Callable[[Request], Reply], application: App = app, **settings: Any
    ) -> AsyncGenerator[Guarded]:
        file = tmp_path / "keys.json"
        keys = {
            name: api_keys.create(file, name, principal, now=time.time())
            for name, principal in PRINCIPALS.items()
        }
        async with (
            ScriptedModel(script) as model,
            Environment.start(
                application,
                model,
                server=server.address,
                identity_key="env:IDENTITY_KEY",
                identity_api_keys=str(file),
                **settings,
            ) as environment,
        ):
            yield Guarded(environment, keys, file)

    return start
