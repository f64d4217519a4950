"""Sessions whose model gives a task to a remote agent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from holdfast import A2AAgent, Agent, App, Session
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.session.entries import ResultEntry

from ....support import eventually


def app_with(url: str, **options: Any) -> App:
    """An app whose agent has the remote agent as a tool."""
    return App(
        agents=[Agent("clerk", model="openai:scripted", tools=[A2AAgent("ask_remote", url=url, **options)])]
    )


@asynccontextmanager
async def asking(server: DevServer, url: str, message: str, **options: Any) -> AsyncGenerator[Session]:
    """A session whose model gives one task to the agent at a URL."""
    async with asking_in(server, url, message, **options) as (session, _):
        yield session


@asynccontextmanager
async def asking_in(
    server: DevServer, url: str, message: str, **options: Any
) -> AsyncGenerator[tuple[Session, Environment]]:
    """The same, with the worker."""
    script = [call("ask_remote", {"message": message}), say("Thanks.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(url, **options), model, server=server.address) as environment,
    ):
        yield await environment.client.start("clerk", "Go on", user="ann"), environment


async def result(session: Session) -> str:
    """The result of the only call, once the turn has ended."""
    await session.wait(1, timeout=60)
    [text] = [entry.text async for entry in session.log() if isinstance(entry, ResultEntry)]
    return text


async def waits(session: Session) -> None:
    """Wait until the call waits for the agent on a timer."""

    async def on_timer() -> bool:
        view = await session.view()
        return "works on its task" in view.waiting_for

    await eventually(on_timer)
