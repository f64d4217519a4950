"""A worker and its A2A server in this process, and clients of the ``a2a`` package that reach it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from a2a.client import Client, ClientConfig, create_client
from a2a.types import (
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    Task,
    TaskState,
)
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value

from holdfast import App
from holdfast.testing import Environment, Reply, Request, ScriptedModel
from holdfast_client.a2a_server.app import Served, http_app
from holdfast_temporal import DevServer

from ...activities.tools.mcp.support import free_port

BOUND = 40.0
DONE = TaskState.TASK_STATE_COMPLETED
Script = list[Reply] | Callable[[Request], Reply]


@dataclass
class Serving:
    """The URL of a running A2A server, and the worker behind it."""

    url: str
    environment: Environment

    @asynccontextmanager
    async def client(
        self, agent: str = "helper", binding: str = "JSONRPC", *, streaming: bool = False, token: str = ""
    ) -> AsyncGenerator[Client]:
        """A client that has read the agent's card."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(headers=headers, timeout=BOUND) as http:
            config = ClientConfig(
                httpx_client=http, streaming=streaming, supported_protocol_bindings=[binding]
            )
            yield await create_client(f"{self.url}/{agent}".rstrip("/"), client_config=config)


@asynccontextmanager
async def serving(
    server: DevServer, app: App, script: Script, token: str = "", **served: Any
) -> AsyncGenerator[Serving]:
    """A worker and an A2A server."""
    async with (
        ScriptedModel(script) as model,
        Environment.start(app, model, server=server.address) as environment,
        listening(lambda url: Served(environment.client, url, **served), token) as url,
    ):
        yield Serving(url, environment)


@asynccontextmanager
async def listening(make: Callable[[str], Served], token: str = "") -> AsyncGenerator[str]:
    """An A2A server on a free port; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = http_app(make(url), "127.0.0.1", token)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(BOUND):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    try:
        yield url
    finally:
        server.should_exit = True
        await running


def message(*content: str | dict[str, Any], task: str = "", context: str = "", id: str = "") -> Message:
    """A message of the user: texts and data."""
    return Message(
        message_id=id or uuid.uuid4().hex,
        role=Role.ROLE_USER,
        parts=[
            Part(text=each) if isinstance(each, str) else Part(data=ParseDict(each, Value()))
            for each in content
        ],
        task_id=task,
        context_id=context,
    )


def request(given: Message, *, at_once: bool = False) -> SendMessageRequest:
    """A request that sends a message."""
    return SendMessageRequest(
        message=given, configuration=SendMessageConfiguration(return_immediately=at_once)
    )


async def send(client: Client, given: Message, *, at_once: bool = False) -> Task:
    """Send a message without streaming, and return its task."""
    async with asyncio.timeout(BOUND):
        [only] = [each async for each in client.send_message(request(given, at_once=at_once))]
    return only.task


async def stream(client: Client, given: Message) -> list[StreamResponse]:
    """Send a message, and read the stream to its end."""
    async with asyncio.timeout(BOUND):
        return [each async for each in client.send_message(request(given))]


def text_of(task: Task) -> str:
    """The text of the task's reply."""
    [artifact] = task.artifacts
    return artifact.parts[0].text


def session_of(task: Task) -> str:
    """The id of the task's session."""
    return str(task.metadata["holdfast/session"])


def data_of(part: Part) -> Any:
    """The value of a data part."""
    return MessageToDict(part.data)
