"""Tools get what the App's lifespan yields, and tests replace it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from holdfast import Agent, App, InvalidDeclaration, LifespanFailed, StepLimitReached, ToolContext, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer


@dataclass
class Bank:
    """What the tools share."""

    name: str
    calls: list[str] = field(default_factory=list[str])


async def find(order: str, ctx: ToolContext[Bank]) -> None:
    """The probe."""
    ctx.deps.calls.append(f"probe {order}")


@tool(effect="idempotent")
async def give_back(order: str, ctx: ToolContext[Bank]) -> str:
    """Undo a payment."""
    ctx.deps.calls.append(f"undo {order}")
    return "given back"


@tool(effect="once", probe=find, undo=give_back)
async def pay(order: str, ctx: ToolContext[Bank]) -> str:
    """Pay."""
    ctx.deps.calls.append(f"pay {order}")
    return ctx.deps.name


@tool(effect="once", probe=find)
async def lose(order: str, ctx: ToolContext[Bank]) -> str:
    """Pay, and lose the answer."""
    raise TimeoutError(f"{ctx.deps.name}: {order}")


@tool(inline=True)
def look(ctx: ToolContext[Bank]) -> str:
    """Look, in a thread."""
    ctx.deps.calls.append("look")
    return ctx.deps.name


entered = list[Bank]()


@asynccontextmanager
async def lifespan(app: App) -> AsyncGenerator[Bank]:
    bank = Bank(f"bank of {len(app.agents)} agent")
    entered.append(bank)
    try:
        yield bank
    finally:
        bank.calls.append("left")


clerk = Agent("clerk", model="openai:scripted", tools=[pay, look, lose], max_steps=3)
app = App(agents=[clerk], lifespan=lifespan)


async def test_tools_inline_tools_probes_and_undos_get_the_dependencies(server: DevServer) -> None:
    entered.clear()
    # The turn fails after its third step, so the payment is undone.
    script = [call("look"), call("pay", {"order": "1"}), call("lose", {"order": "2"})]
    async with (
        asyncio.timeout(60),
        ScriptedModel(script) as model,
        Environment.start(app, model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Pay.")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, StepLimitReached)
        results = [entry.text async for entry in session.log() if entry.kind == "result"]
        assert results[:2] == ["bank of 1 agent"] * 2
        [bank] = entered
        assert bank.calls == ["look", "pay 1", "probe 2", "undo 1"]
    assert bank.calls[-1] == "left"


async def test_a_test_replaces_the_dependencies_without_entering_the_lifespan(server: DevServer) -> None:
    entered.clear()
    fake = Bank("fake")
    script = [call("look"), say("Seen.")]
    async with (
        asyncio.timeout(60),
        ScriptedModel(script) as model,
        Environment.start(app, model, deps=fake, server=server.address) as holdfast,
    ):
        await (await holdfast.client.start("clerk", "Look.")).wait()
    assert fake.calls == ["look"]
    assert not entered


async def test_a_failing_lifespan_fails_the_environment_with_its_reason(server: DevServer) -> None:
    class Broken(AbstractAsyncContextManager[None]):
        async def __aenter__(self) -> None:
            raise OSError("disk full")

        async def __aexit__(self, *_: object) -> None: ...

    async with ScriptedModel([]) as model:
        with pytest.raises(LifespanFailed, match=r"test_dependencies.py:.*OSError: disk full"):
            async with Environment.start(
                App(agents=[clerk], lifespan=lambda app: Broken()), model, server=server.address
            ):
                pass


async def generator(_: App) -> AsyncGenerator[None]:
    yield


async def coroutine(_: App) -> None:
    pass


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (generator, "put @asynccontextmanager above it"),
        (coroutine, "write an async function that takes the app and yields once"),
        (Bank("b"), "is not an async context manager function"),
    ],
)
def test_a_lifespan_of_another_kind_is_refused(given: object, remedy: str) -> None:
    with pytest.raises(InvalidDeclaration, match=remedy):
        App(agents=[clerk], lifespan=given)  # type: ignore[arg-type]  # that is refused
