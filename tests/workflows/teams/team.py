"""Apps of several agents for tests: each agent's model is named like the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from holdfast import Agent, Session, Tool, tool
from holdfast.testing import Reply, Request
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import Gate

Script = Callable[[Request], Reply | Awaitable[Reply]]


def agent(name: str, **options: Any) -> Agent:
    """An agent whose model requests name it."""
    return Agent(name, model=f"openai:{name}", **options)


def by_agent(**scripts: Script | list[Reply]) -> Script:
    """A model for several agents; a list has the replies of one agent in order."""
    given = {name: each if callable(each) else _in_order(each) for name, each in scripts.items()}
    return lambda request: given[request.json["model"]](request)


def _in_order(replies: list[Reply]) -> Script:
    left = iter(replies)
    return lambda _: next(left)


def hold_tool(gate: Gate) -> Tool[..., Any]:
    """A tool that waits at a gate, and takes a while to end when it is cancelled."""

    @tool
    async def hold() -> str:
        """Wait at the gate."""
        gate.entered.set()
        try:
            await gate.opened.wait()
        finally:
            await asyncio.sleep(0.2)
            gate.left.append("hold")
        return "passed"

    return hold


async def result(session: Session) -> ResultEntry:
    """The session's only tool result."""
    [found] = [each async for each in session.log() if isinstance(each, ResultEntry)]
    return found
