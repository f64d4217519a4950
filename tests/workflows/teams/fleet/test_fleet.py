"""One agent over many items."""

from __future__ import annotations

from holdfast import App
from holdfast.testing import Reply, Request, say

from ...conftest import Start
from ..team import agent


def echo(request: Request) -> Reply:
    """A model that repeats the message."""
    text = request.messages[-1]["content"]
    return say(f"echo {text}")


async def test_every_item_is_done_once_and_its_result_is_in_order(start: Start) -> None:
    async with start(echo, App(agents=[agent("worker")])) as it:
        items = [f"item {n}" for n in range(25)]
        fleet = await it.holdfast.client.fleets.start("worker", items, concurrency=4)
        report = await fleet.wait(timeout=40)
        assert (report.status, report.total, report.done) == ("done", 25, 25)
        results = [each async for each in fleet.results()]
        assert [each.text for each in results] == [f"echo {each}" for each in items]
        assert [each.id for each in results] == [str(n) for n in range(1, 26)]
        assert len(it.model.requests) == 25
