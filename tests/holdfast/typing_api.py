"""Checked by mypy and pyright, never run: what users write, and the mistakes the checkers must catch.

Every ignored line is a mistake; both checkers report an ignore that hides nothing.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any, assert_type

from pydantic import BaseModel

from holdfast import Agent, App, AskHuman, Budget, CachedReply, InstructionsContext, Tool, ToolContext, tool
from holdfast_workflows.contracts.agent.app import Registry, ToolBinding


class Report(BaseModel):
    title: str


@tool
def plain(x: int, y: str = "") -> float:
    return x


def paid(order: str, ctx: ToolContext) -> dict[str, int] | None:
    return {order: len(ctx.key)} if order else None


@tool(effect="idempotent", timeout=30, retries=2, probe=paid, undo=plain)
async def refund(order: str, ctx: ToolContext) -> dict[str, int]:
    return {order: len(ctx.key)}


def not_a_tool(x: int) -> int:
    return x


# A tool is still its function, to the checker too.
assert_type(plain(1, y="a"), float)
made: Tool[..., Any] = refund
binding: ToolBinding = plain
waiting: Awaitable[Mapping[str, int]]

agent = Agent("a", model="openai:gpt-5-mini", tools=[plain, refund], output_type=Report, when_busy="reject")
agent = Agent("a", model=["openai:a", "anthropic:b"], output_type={"type": "object"})
agent = Agent("a", model="openai:a", budget=Budget(dollars=1), fallbacks=[CachedReply(), AskHuman()])
assert_type(App(agents=[agent]).registry(), Registry)

plain("one")  # type: ignore[arg-type]  # x is an int
plain(1, z=2)  # type: ignore[call-arg]  # there is no z
tool(effect="twice")  # type: ignore[call-overload]  # no such effect
tool(approval="ask")
tool(approval="yes")  # type: ignore[call-overload]  # no such approval
Agent("a", model="openai:a", tools=[not_a_tool])  # type: ignore[list-item]  # @tool is missing
Agent("a", model="openai:a", fallbacks=[AskHuman])  # type: ignore[list-item]  # not an instance
Agent("a")  # type: ignore[call-arg]  # no model
Agent("a", "openai:a")  # type: ignore[call-arg]  # options are named
Agent("a", model="openai:a", when_busy="drop")  # type: ignore[arg-type]  # no such policy
Agent("a", model="openai:a", steps=3)  # type: ignore[call-arg]  # it is max_steps
App([agent])  # type: ignore[call-arg]  # options are named


# The lifespan's value has its type in tools; without one it is not checked.
@tool
def counted(ctx: ToolContext[Report]) -> str:
    assert_type(ctx.deps, Report)
    _ = ctx.deps.name  # type: ignore[attr-defined]  # it has a title
    return ctx.deps.title


@tool
def unchecked(ctx: ToolContext) -> str:
    assert_type(ctx.deps, Any)
    return str(ctx.deps.anything)


@asynccontextmanager
async def lifespan(app: App) -> AsyncGenerator[Report]:
    yield Report(title=app.name)


App(agents=[agent], lifespan=lifespan)
App(agents=[agent], lifespan=lambda app: app.name)  # type: ignore[arg-type,return-value]  # not a context manager


# Instructions are a text, or a function of the turn's context.
async def instructed(ctx: InstructionsContext[Report]) -> str:
    return ctx.deps.title


Agent("a", model="openai:a", instructions=instructed)
Agent("a", model="openai:a", instructions=lambda ctx: f"{ctx.user} {ctx.now:%A}")
Agent("a", model="openai:a", instructions=lambda: "x")  # type: ignore[arg-type,misc]  # it takes the context
