"""``holdfast mcp serve`` as a process, used by the client of the ``mcp`` package over both transports."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent

from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, failed, say
from holdfast_temporal import DevServer

from ...activities.tools.mcp.support import free_port
from ..served_app import app

COMMAND = "from holdfast_client.command.main import main; main()"
BOUND = 40.0
KEY = "holdfast/idempotency-key"


def script(request: Request) -> Reply:
    """A model that does what the message says."""
    text = request.body.decode()
    if "Oslo" in text:
        return say('{"city": "Oslo", "degrees": -3}')
    if "Start digging" in text:
        return call("dig", {})
    if "Break it" in text:
        return failed(400, "No.")
    return say(f"Reply {request.number}.")


def text_of(result: CallToolResult) -> str:
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text


@asynccontextmanager
async def running(server: DevServer) -> AsyncGenerator[tuple[Environment, list[str]]]:
    """A worker, and the arguments of ``holdfast`` that reach it."""
    async with (
        ScriptedModel(script) as model,
        Environment.start(app(), model, server=server.address) as holdfast,
    ):
        yield holdfast, ["-c", COMMAND, "--address", server.address, "--task-queue", holdfast.task_queue]


def over_stdio(arguments: list[str], *more: str) -> Client:
    return Client(
        StdioServerParameters(command=sys.executable, args=[*arguments, "mcp", "serve", "--stdio", *more])
    )


@asynccontextmanager
async def over_http(arguments: list[str], tmp_path: Path, given: str = "s3cret") -> AsyncGenerator[Client]:
    """A server that requires the token ``s3cret``, and a client that sends ``given``."""
    (tmp_path / "token").write_text("s3cret\n")
    port = free_port()
    options = ("mcp", "serve", "--http", f"127.0.0.1:{port}", "--token-file", str(tmp_path / "token"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments, *options), stderr=asyncio.subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {given}"}) as client:
            async with asyncio.timeout(BOUND):
                while not await answers(client, url):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            async with Client(streamable_http_client(url, http_client=client)) as connected:
                yield connected
    finally:
        process.terminate()
        await process.wait()


async def answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        await client.head(url)
    except httpx2.TransportError:
        return False
    return True


async def test_each_agent_is_a_tool_and_each_call_a_task(server: DevServer) -> None:
    async with running(server) as (holdfast, arguments), over_stdio(arguments, "--user", "ann") as client:
        listed = {each.name: each for each in (await client.list_tools()).tools}
        assert sorted(listed) == ["forecaster", "helper"]
        assert listed["helper"].description == "Helps."
        assert listed["helper"].input_schema["required"] == ["message"]
        first, second = [await client.call_tool("helper", {"message": "Hello"}) for _ in range(2)]
        assert (text_of(first), text_of(second)) == ("Reply 1.", "Reply 2.")
        ids = [(each.meta or {})["holdfast/session"] for each in (first, second)]
        assert len(set(ids)) == 2
        assert (await holdfast.client.session(ids[0]).view()).status == "closed"


async def test_output_types_are_structured_content_that_the_client_validates(server: DevServer) -> None:
    async with running(server) as (_, arguments), over_stdio(arguments, "--agent", "forecaster") as client:
        [only] = (await client.list_tools()).tools
        assert only.output_schema is not None
        assert set(only.output_schema["properties"]) == {"city", "degrees"}
        result = await client.call_tool("forecaster", {"message": "Oslo"})
        assert result.structured_content == {"city": "Oslo", "degrees": -3}
        with pytest.raises(MCPError, match="no agent is named 'helper'"):
            await client.call_tool("helper", {"message": "Hello"})


async def test_a_repeated_call_with_its_key_is_the_same_task(server: DevServer) -> None:
    async with running(server) as (_, arguments), over_stdio(arguments) as client:
        meta: Any = {KEY: "order 7"}
        first, again = [await client.call_tool("helper", {"message": "Hello"}, meta=meta) for _ in range(2)]
        assert text_of(first) == text_of(again) == "Reply 1."


async def test_errors_have_a_code_and_say_what_to_do(server: DevServer) -> None:
    async with running(server) as (_, arguments), over_stdio(arguments) as client:
        result = await client.call_tool("helper", {"message": "Break it"})
        assert result.is_error
        error = result.structured_content["error"]
        assert error["code"] == "model_rejected"
        assert "check the API key" in text_of(result)
        for arguments_given in ({}, {"message": " "}, {"message": "Hello", "to": "x"}, {"message": 3}):
            with pytest.raises(MCPError, match="the arguments are one text"):
                await client.call_tool("helper", arguments_given)


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_call_reports_progress_and_its_cancellation_cancels_the_task(
    server: DevServer, tmp_path: Path, transport: str
) -> None:
    said: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        said.append(message or "")

    async with running(server) as (holdfast, arguments):
        made: AbstractAsyncContextManager[Client] = (
            over_stdio(arguments) if transport == "stdio" else over_http(arguments, tmp_path)
        )
        async with made as client:
            digging = asyncio.create_task(
                client.call_tool("helper", {"message": "Start digging"}, progress_callback=progress)  # type: ignore[arg-type]  # the names of parameters differ
            )
            async with asyncio.timeout(BOUND):
                while not any("spade" in each for each in said):  # noqa: ASYNC110 - said by another task
                    await asyncio.sleep(0.05)
            assert "calls dig" in said
            digging.cancel()
            await asyncio.wait([digging])
            async with asyncio.timeout(BOUND):
                while True:
                    found = [
                        each async for each in holdfast.client.sessions() if each.message == "Start digging"
                    ]
                    if found and found[0].status in ("failed", "closed", "cancelled"):
                        break
                    await asyncio.sleep(0.1)


async def test_over_http_a_token_is_required(server: DevServer, tmp_path: Path) -> None:
    async with running(server) as (_, arguments):
        async with over_http(arguments, tmp_path) as client:
            assert text_of(await client.call_tool("helper", {"message": "Hello"})) == "Reply 1."
        with pytest.raises((MCPError, ExceptionGroup)):
            async with over_http(arguments, tmp_path, given="guess") as client:
                await client.list_tools()


async def test_another_machine_needs_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    from holdfast_client.command.main import invoke

    assert await asyncio.to_thread(invoke, ["mcp", "serve", "--http", "0.0.0.0:8765"]) == 2
    assert "require a token with --token-file" in capsys.readouterr().err
