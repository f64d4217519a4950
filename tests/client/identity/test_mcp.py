"""Callers of an app's MCP server act as the principals of their credentials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from holdfast.testing import say
from holdfast_client.mcp_server.agents import AgentServer
from holdfast_client.mcp_server.transports import http_app
from holdfast_client.serving.callers import Callers

from ...activities.tools.mcp.support import free_port
from ...support import always
from .conftest import Guarded, Guarding


@asynccontextmanager
async def served(it: Guarded) -> AsyncGenerator[str]:
    callers = Callers(it.environment.temporal, it.environment.task_queue)
    port = free_port()
    app = http_app(AgentServer(callers), "127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="on"))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}/mcp"
    server.should_exit = True
    await running


@asynccontextmanager
async def calling(url: str, token: str) -> AsyncGenerator[Client]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def test_a_call_runs_as_its_callers_principal_and_keys_are_its_own(guarding: Guarding) -> None:
    meta: Any = {"holdfast/idempotency-key": "order 7"}
    async with guarding(always(say("Hello."))) as it, served(it) as url:
        ids: list[str] = []
        for name in ("ann", "bob", "ann"):
            async with calling(url, it.keys[name]) as client:
                result = await client.call_tool("helper", {"message": "Hi"}, meta=meta)
                assert not result.is_error
                ids.append((result.meta or {})["holdfast/session"])
        assert ids[0] == ids[2] != ids[1]
        view = await (await it.client("ann")).session(ids[0]).view()
        assert (view.tenant, view.user, view.started_by) == ("acme", "ann", "ann")


@pytest.mark.parametrize("token", ["", "guess", "file:/etc/hostname", "env:IDENTITY_KEY"])
async def test_a_caller_without_a_valid_credential_sees_and_starts_nothing(
    guarding: Guarding, token: str
) -> None:
    async with guarding(always(say("Hello."))) as it, served(it) as url, calling(url, token) as client:
        with pytest.raises(MCPError, match="credential"):
            await client.list_tools()
        result = await client.call_tool("helper", {"message": "Hi"})
        assert result.is_error
        assert result.structured_content["error"]["code"] == "invalid_credential"
