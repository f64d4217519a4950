"""Requests of tools continue the trace of the call that they are made in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import propagate

from holdfast import A2AAgent, Agent, App, HttpTool, MCPServer, Secret, ToolContext, Webhook, tool
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.session.trace_ids import trace_of, turn_span
from tests.a2a_servers.remote import remote_agent
from tests.activities.notifications.receiver import receiver
from tests.activities.tools.http.sites import site
from tests.activities.tools.mcp.support import notes, over_http, recorded
from tests.support import eventually

from .receiver import Received, Receiver

INSIDE = "127.0.0.0/8"


def parent_of(span: Received) -> str:
    """The header that names the span."""
    return f"00-{span.trace}-{span.id}-01"


async def ran(server: DevServer, used: Any, *calls: Reply, **settings: Any) -> None:
    """Run an agent that makes these calls of its tool, in a worker that traces."""
    app = App(agents=[Agent("clerk", model="openai:gpt-test", tools=[used])])
    options: dict[str, Any] = {"tracing": "true", **settings}
    async with (
        ScriptedModel([*calls, say("Done.")]) as model,
        Environment.start(app, model, server=server.address, **options) as holdfast,
    ):
        assert await holdfast.client.run("clerk", "Go.") == "Done."


async def test_a_request_of_the_http_tool_continues_the_trace(server: DevServer, collector: Receiver) -> None:
    async with site() as shop:
        inside = f"http://127.0.0.1:{shop.port}"
        web = HttpTool("web", allow=["http://*"], private={inside: INSIDE})
        await ran(server, web, call("web", {"url": f"{inside}/a"}))
    assert shop.asked[0].headers["traceparent"] == parent_of(collector.one("execute_tool web"))


async def test_without_tracing_no_request_has_a_header(server: DevServer) -> None:
    async with site() as shop:
        inside = f"http://127.0.0.1:{shop.port}"
        web = HttpTool("web", allow=["http://*"], private={inside: INSIDE})
        await ran(server, web, call("web", {"url": f"{inside}/a"}), tracing="false")
    assert not {"traceparent", "tracestate"} & {*shop.asked[0].headers}


async def test_a_call_over_standard_input_has_its_trace_in_meta(
    server: DevServer, collector: Receiver, tmp_path: Path
) -> None:
    await ran(server, notes(tmp_path), call("notes__add", {"text": "milk"}))
    (made,) = recorded(tmp_path, "add")
    assert made["traceparent"] == parent_of(collector.one("execute_tool notes__add"))


async def test_a_call_over_http_has_its_trace_in_meta_and_in_the_header(
    server: DevServer, collector: Receiver, tmp_path: Path
) -> None:
    async with over_http(tmp_path) as (url, _):
        await ran(server, MCPServer("notes", url=url), call("notes__add", {"text": "milk"}))
    (made,) = recorded(tmp_path, "add")
    expected = parent_of(collector.one("execute_tool notes__add"))
    assert (made["traceparent"], made["traceparent_header"]) == (expected, expected)


async def test_a_task_of_a_remote_agent_continues_the_trace(server: DevServer, collector: Receiver) -> None:
    async with remote_agent() as remote:
        painter = A2AAgent("painter", url=remote.url, private=INSIDE)
        await ran(server, painter, call("painter", {"message": "Paint."}))
    assert remote.headers[0]["traceparent"] == parent_of(collector.one("execute_tool painter"))


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_within_a_tool_its_span_is_the_present_one(
    server: DevServer, collector: Receiver, kind: str
) -> None:
    found: dict[str, Any] = {}

    def look(context: ToolContext) -> str:
        """Look."""
        # As the instrumentation of an HTTP client does it.
        injected: dict[str, str] = {}
        propagate.inject(injected)
        found.update(injected=injected, helper=dict(context.trace_headers))
        return "seen"

    async def look_async(context: ToolContext) -> str:
        """Look."""
        return look(context)

    used = tool(look) if kind == "thread" else tool(name="look")(look_async)
    await ran(server, used, call("look", {}))
    expected = {"traceparent": parent_of(collector.one("execute_tool look"))}
    assert found == {"injected": expected, "helper": expected}


async def test_a_request_by_pydantic_ai_continues_the_trace(
    server: DevServer, collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(agents=[Agent("clerk", model="pydantic-ai:openai-chat:gpt-5-mini")])
    asked: list[str] = []

    def script(request: Request) -> Reply:
        asked.append(request.headers["traceparent"])
        return say("Done.")

    async with ScriptedModel(script) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
        async with Environment.start(app, model, server=server.address, tracing="true") as holdfast:
            assert await holdfast.client.run("clerk", "Go.") == "Done."
    (chat,) = [each for each in collector.spans if each.name.startswith("chat ")]
    assert asked == [parent_of(chat)]


@pytest.mark.usefixtures("collector")
async def test_a_webhook_about_an_item_names_the_turn_that_waits(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOOK_SECRET", "s3cret")

    @tool(approval="ask")
    async def pay() -> str:
        """Pay."""
        return "paid"

    with receiver() as hook:
        target = Webhook(url=hook.url, secret=Secret("env:TEST_HOOK_SECRET"))
        app = App(agents=[Agent("clerk", model="openai:gpt-test", tools=[pay])], notifications=[target])
        async with (
            ScriptedModel([call("pay", {}), say("Done.")]) as model,
            Environment.start(app, model, server=server.address, tracing="true") as holdfast,
        ):
            session = await holdfast.client.start("clerk", "Pay.")

            async def told() -> bool:
                return bool(hook.received)

            await eventually(told)
            await session.cancel()
    (headers, _) = hook.received[0]
    expected = f"00-{trace_of(session.id, 1, None)}-{turn_span(session.id, 1)}-01"
    assert headers["traceparent"] == expected
