"""An A2A agent made with the SDK, for tests: it does what the message says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from a2a.helpers import new_task
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill, Part, TaskState
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..activities.tools.mcp.support import free_port


@dataclass
class Remote(AgentExecutor):
    """What the agent was asked, and how it behaves.

    ``gate`` holds tasks back that begin with "Slow". ``refuse`` are the statuses of the next responses.
    ``deaf`` requests are carried out and not answered.
    """

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Ids and texts of messages that began tasks."""
    cancelled: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    refuse: list[int] = field(default_factory=list[int])
    deaf: int = 0
    hang: asyncio.Event | None = None
    """Responses to requests wait for it, if there is one."""
    elsewhere: str = ""
    """The URL that the card names instead of the agent's own."""
    url: str = ""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        assert context.task_id
        assert context.context_id
        text = context.get_user_input()
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        if context.current_task is None:
            self.messages.append((context.message.message_id, text))
            task = new_task(context.task_id, context.context_id, TaskState.TASK_STATE_SUBMITTED)
            await event_queue.enqueue_event(task)
            await updater.start_work()
            if text.startswith("Ask"):
                question = updater.new_agent_message([Part(text="Which colour?")])
                await updater.requires_input(question)
                return
            if text.startswith("Slow"):
                await self.gate.wait()
            if text.startswith("Fail"):
                await updater.failed(updater.new_agent_message([Part(text="It is broken.")]))
                return
        await updater.add_artifact([Part(text=f"done: {text}")])
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.task_id
        assert context.context_id
        self.cancelled.append(context.task_id)
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


class _Misbehaving:
    def __init__(self, app: ASGIApp, remote: Remote) -> None:
        self._app = app
        self._remote = remote

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        self._remote.headers.append(dict(request.headers))
        if self._remote.refuse:
            answer: Response = JSONResponse({}, status_code=self._remote.refuse.pop(0))
            await answer(scope, receive, send)
            return
        hang = self._remote.hang
        if self._remote.deaf or hang:
            self._remote.deaf -= 0 if hang else 1

            async def nothing(_: object) -> None:
                pass

            await self._app(scope, receive, nothing)
            if hang:
                await hang.wait()
            answer = JSONResponse({}, status_code=502)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _card(remote: Remote) -> AgentCard:
    return AgentCard(
        name="remote",
        description="Does what the message says.",
        version="1",
        supported_interfaces=[
            AgentInterface(
                url=f"{remote.elsewhere or remote.url}/", protocol_binding="JSONRPC", protocol_version="1.0"
            )
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="all", name="all", description="All.", tags=["all"])],
    )


@asynccontextmanager
async def remote_agent(port: int = 0, **behaviour: object) -> AsyncGenerator[Remote]:
    """The agent on a free port."""
    remote = Remote(**behaviour)  # type: ignore[arg-type]  # fields by name
    port = port or free_port()
    remote.url = f"http://127.0.0.1:{port}"
    card = _card(remote)
    handler = DefaultRequestHandler(agent_executor=remote, task_store=InMemoryTaskStore(), agent_card=card)
    routes = [
        *create_agent_card_routes(card),
        *create_jsonrpc_routes(handler, "/"),
        *create_rest_routes(handler),
    ]
    app = _Misbehaving(Starlette(routes=routes), remote)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    try:
        yield remote
    finally:
        remote.gate.set()
        server.should_exit = True
        await running
