"""A deploy that renames, removes or changes tools of running sessions, or adds an agent."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from holdfast import Agent, App, InvalidDeclaration, Tool, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say, unframed
from holdfast_client import connect
from holdfast_client.command.main import invoke
from holdfast_temporal import DevServer
from holdfast_workers.startup.checking import warn_of_tools
from holdfast_workflows.contracts.errors import SessionClosed, UnknownAgent
from holdfast_workflows.contracts.session.entries import ResultEntry

from .running import eventually, started

MODEL = "openai:scripted"
OLD = "list_orders"


def orders(
    text: str = "two orders", name: str = OLD, aliases: Sequence[str] = (), *, inline: bool = False
) -> Tool[..., Any]:
    @tool(name=name, aliases=aliases, inline=inline)
    async def found(of: str) -> str:
        """The orders of somebody."""
        return f"{text} of {of}"

    return found


@tool
async def count_items(of: str) -> str:
    """Count."""
    return f"three items of {of}"


@tool(name=OLD)
async def paged_orders(customer: str, page: int) -> str:
    """The orders of somebody, by page."""
    return f"page {page} of {customer}"


def app(*tools: Tool[..., Any], instructions: str = "") -> App:
    return App(agents=[Agent("helper", model=MODEL, tools=tools, instructions=instructions)])


def script(name: str, arguments: dict[str, object]) -> Callable[[Request], Reply]:
    """A model that calls a tool in every turn, and then says what came of it."""

    def answer(request: Request) -> Reply:
        last = request.messages[-1]
        return call(name, arguments) if last["role"] == "user" else say(unframed(str(last["content"])))

    return answer


async def after_a_deploy(server: DevServer, before: App, after: App) -> str:
    """What the second turn's call comes to, where the workers' app was exchanged after the first turn."""
    async with (
        ScriptedModel(script(OLD, {"of": "Ann"})) as model,
        Environment.start(before, model, server=server.address, worker=False) as made,
    ):
        async with made.worker():
            session = await made.client.start("helper", "Go")
            assert (await session.wait()).text == "two orders of Ann"
        made._registry = after.registry()
        async with made.worker():
            await session.send("Again")
            results = [e async for e in session.log() if isinstance(e, ResultEntry)]
            return results[-1].text


@pytest.mark.parametrize(
    ("after", "told"),
    [
        pytest.param([count_items], "tool 'list_orders' is no longer offered", id="removed"),
        pytest.param([], "there are: read_more", id="all removed"),
        pytest.param([count_items, orders("now")], "now of Ann", id="another beside it"),
        pytest.param([orders("renamed", name="get_orders", aliases=[OLD])], "renamed of Ann", id="an alias"),
        pytest.param(
            [orders("again renamed", name="find_orders", aliases=["get_orders", OLD])],
            "again renamed of Ann",
            id="renamed twice",
        ),
        pytest.param(
            [orders("quick", name="get_orders", aliases=[OLD], inline=True)], "quick of Ann", id="inline now"
        ),
        pytest.param(
            [paged_orders], "The parameters of 'list_orders' have changed, and are now", id="changed"
        ),
    ],
)
async def test_a_session_that_began_before_a_deploy_calls_what_there_is_or_is_told(
    server: DevServer, after: list[Tool[..., Any]], told: str
) -> None:
    text = await after_a_deploy(server, app(orders()), app(*after))
    assert told in text
    assert f"there are: {OLD}" not in text


async def test_an_inline_tool_whose_parameters_changed_says_so(server: DevServer) -> None:
    @tool(name=OLD, inline=True)
    async def by_page(customer: str) -> str:
        """The orders of somebody."""
        return customer

    text = await after_a_deploy(server, app(orders(inline=True)), app(by_page))
    assert "The parameters of 'list_orders' have changed, and are now: {" in text
    assert '"customer"' in text


def test_an_alias_that_is_a_name_already_is_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="alias 'count_items' of tool 'list_orders' is also a name"):
        app(count_items, orders(aliases=["count_items"]))
    with pytest.raises(InvalidDeclaration, match="alias 'x' of tool 'b' is also a name of 'a'"):
        app(orders(name="a", aliases=["x"]), orders(name="b", aliases=["x"]))
    for alias in (OLD, "think", "remember"):
        with pytest.raises(InvalidDeclaration, match="which is its own name or a reserved one"):
            orders(aliases=[alias])
    with pytest.raises(InvalidDeclaration, match="give a list of names"):
        orders(aliases="old")
    with pytest.raises(InvalidDeclaration, match="alias 'no name'"):
        orders(aliases=["no name"])


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            [count_items],
            ["agent helper: tool list_orders was removed", "2 running sessions", "holdfast repin"],
        ),
        ([orders(name="list_order")], ["give tool 'list_order' aliases=['list_orders']"]),
        ([paged_orders], ["tool list_orders has other parameters than 2 running sessions began with"]),
        ([orders(name="get_orders", aliases=[OLD])], []),
        ([orders("other words"), count_items], []),
    ],
)
async def test_a_worker_that_starts_warns_of_tools_that_running_sessions_began_with(
    server: DevServer, caplog: pytest.LogCaptureFixture, after: list[Tool[..., Any]], said: list[str]
) -> None:
    async with (
        ScriptedModel(lambda _: say("Hi.")) as model,
        Environment.start(app(orders()), model, server=server.address) as made,
    ):
        sessions = [await made.client.start("helper", "Go") for _ in range(3)]
        for session in sessions:
            await session.wait(raise_on_error=False)
        await sessions[0].close()
        await sessions[0].result()
        with caplog.at_level(logging.WARNING, "holdfast_workers"):
            await warn_of_tools(app(*after).registry(), made.state)
        lines = [each.getMessage() for each in caplog.records if each.name.startswith("holdfast_workers")]
        assert len(lines) == bool(said)
        assert all(words in lines[0] for words in said)


async def test_a_session_that_is_pinned_again_has_the_newest_tools_and_instructions(
    server: DevServer,
) -> None:
    async with (
        ScriptedModel(script("count_items", {"of": "Ann"})) as model,
        Environment.start(
            app(orders(), instructions="Old."), model, server=server.address, worker=False
        ) as made,
    ):
        shape = {"title": "T", "type": "object", "properties": {"x": {"type": "string"}}}
        async with made.worker():
            session = await made.client.start("helper", "Go", id=f"old-{made.task_queue}")
            assert (
                "tool 'count_items' is unknown; there are: list_orders"
                in (await session.wait(raise_on_error=False)).text
            )
            shaped = await made.client.start("helper", "Go", output_type=shape)
            await shaped.wait(raise_on_error=False)
        made._registry = app(count_items, instructions="New.").registry()
        async with made.worker():
            place = ("--address", server.address, "--task-queue", made.task_queue)
            assert await asyncio.to_thread(invoke, [*place, "repin", session.id]) == 0
            assert (await session.send("Again")).text == "three items of Ann"
            assert b"New." in model.requests[-1].body
            # The output shape was the session's own.
            await shaped.repin()
            await shaped.send("Go", wait=False)
            await shaped.wait(raise_on_error=False)
            assert b'"T"' in model.requests[-1].body
            await session.close()
            await session.result()
            with pytest.raises(SessionClosed):
                await session.repin()


async def test_a_turn_that_runs_ends_with_the_spec_it_began_with(server: DevServer) -> None:
    held = asyncio.Event()

    async def answer(request: Request) -> Reply:
        if request.results == 0:
            return call(OLD, {"of": "Ann"})
        await held.wait()
        return say(" ".join(request.tools))

    async with (
        ScriptedModel(answer) as model,
        Environment.start(app(orders()), model, server=server.address, worker=False) as made,
    ):
        async with made.worker(graceful_seconds=0.1):
            session = await made.client.start("helper", "Go")
            await eventually(lambda: len(model.requests) == 2)
        made._registry = app(count_items, orders(name="get_orders", aliases=[OLD])).registry()
        async with made.worker():
            view = await session.repin()
            assert view.last is not None
            assert view.last.status == "running"
            held.set()
            assert (await session.wait(1)).text == f"{OLD} read_more"
            assert (await session.send("Next")).text == "count_items get_orders read_more"


async def test_a_session_whose_agent_is_gone_cannot_be_pinned_again(server: DevServer) -> None:
    async with (
        ScriptedModel(lambda _: say("Hi.")) as model,
        Environment.start(app(orders()), model, server=server.address, worker=False) as made,
    ):
        async with made.worker():
            session = await made.client.start("helper", "Go")
            await session.wait(raise_on_error=False)
        made._registry = App(agents=[Agent("other", model=MODEL)]).registry()
        async with made.worker():
            with pytest.raises(UnknownAgent, match="asked for 'helper'; served: other"):
                await session.repin()
            assert (await session.send("Still there?")).text == "Hi."


async def test_a_rolling_deploy_that_adds_an_agent_loses_no_request(
    server: DevServer, tmp_path: Path
) -> None:
    queue = f"deploy-{uuid.uuid4().hex}"

    def answer(request: Request) -> Reply:
        results = [
            unframed(str(message["content"])) for message in request.messages if message["role"] == "tool"
        ]
        return say(" ".join(results)) if results else call("ring", {}) + call("glance", {})

    async with ScriptedModel(answer) as model, AsyncExitStack() as stack:
        shared = {
            "temporal_address": server.address,
            "task_queue": queue,
            "state_url": f"sqlite:///{tmp_path / 'state.db'}",
            "embeddings": "none",
            "maintenance_every": "0",
            "providers": f'{{"openai": {{"kind": "openai", "base_url": "{model.openai_url}"}}}}',
        }
        for version in ("before", "after"):
            worker = await stack.enter_async_context(
                started("worker", f"tests.workers.deployed:{version}", **shared)
            )
            await worker.said("worker started")
        client = await connect(server.address, task_queue=queue)
        sessions = await asyncio.gather(*(client.start("cashier", "Ring!") for _ in range(4)))
        replies = await asyncio.gather(
            *(session.wait(timeout=60, raise_on_error=False) for session in sessions)
        )
        assert [reply.text for reply in replies] == ["ringing a bell"] * 4
        # What nobody serves is refused at once all the same.
        with pytest.raises(UnknownAgent):
            await client.start("nobody", "Hello?")
