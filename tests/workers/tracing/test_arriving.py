"""Turns of requests by other protocols are in the traces of their callers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import httpx
import pytest
from mcp import Client
from mcp_types import RequestParamsMeta

from holdfast.testing import Reply, Request, say
from holdfast_client.a2a_server.app import Served
from holdfast_client.mcp_server.agents import AgentServer
from holdfast_workflows.contracts.session.trace_ids import LONGEST_STATE, Parent, parent_in
from tests.client.a2a_server.support import listening

from .conftest import Traced
from .receiver import Receiver

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


async def test_a_task_by_a2a_continues_the_trace_of_its_caller(collector: Receiver, traced: Traced) -> None:
    parts = [{"kind": "text", "text": "What is there?"}]
    message = {"role": "user", "messageId": "m1", "parts": parts}
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}
    asked: list[Mapping[str, str]] = []

    def script(request: Request) -> Reply:
        asked.append(request.headers)
        return say("A boat.")

    async with (
        traced(script) as holdfast,
        listening(lambda url: Served(holdfast.client, url)) as url,
        httpx.AsyncClient(timeout=40.0) as http,
    ):
        answer = await http.post(
            f"{url}/clerk", json=body, headers={"traceparent": PARENT, "tracestate": "congo=t61"}
        )
        assert answer.json()["result"]["status"]["state"] == "completed"
        await collector.has("invoke_agent clerk")
    turn = collector.one("invoke_agent clerk")
    assert (turn.trace, turn.parent) == (TRACE, SPAN)
    # What the vendors on the way have noted goes on to the model's gateway.
    assert asked[0]["tracestate"] == "congo=t61"


async def test_a_call_by_mcp_continues_the_trace_in_its_meta(collector: Receiver, traced: Traced) -> None:
    async with traced([say("A boat.")]) as holdfast, Client(AgentServer(holdfast.client).server) as client:
        meta = cast("RequestParamsMeta", {"traceparent": PARENT})
        await client.call_tool("clerk", {"message": "Look."}, meta=meta)
        await collector.has("invoke_agent clerk")
    turn = collector.one("invoke_agent clerk")
    assert (turn.trace, turn.parent) == (TRACE, SPAN)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"traceparent": PARENT}, Parent(TRACE, SPAN, "01")),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-00-later"}, Parent(TRACE, SPAN, "00")),
        ({"traceparent": PARENT, "tracestate": "a=1,b=2"}, Parent(TRACE, SPAN, "01", "a=1,b=2")),
        ({"traceparent": PARENT, "tracestate": "a=" + LONGEST_STATE * "1"}, Parent(TRACE, SPAN, "01")),
        ({"traceparent": PARENT, "tracestate": "a=1\r\nhost: x"}, Parent(TRACE, SPAN, "01")),
        ({"traceparent": f"ff-{TRACE}-{SPAN}-01"}, None),
        ({"traceparent": f"00-{32 * '0'}-{SPAN}-01"}, None),
        ({"traceparent": f"00-{TRACE}-{SPAN}"}, None),
        ({"traceparent": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_headers_of_a_caller_are_read_strictly(headers: Mapping[str, str], found: Parent | None) -> None:
    assert parent_in(headers) == found
