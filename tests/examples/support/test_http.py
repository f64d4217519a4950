"""The support example as it runs in production: a worker process, the API over HTTP, a model over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from httpx_sse import ServerSentEvent, aconnect_sse

from examples.support.api import api
from holdfast import connect
from holdfast.testing import ScriptedModel
from holdfast_temporal import DevServer
from tests.workers.running import Running, eventually, started

from .model import ANSWER, script

REFUND = "Please refund B-1001, I need the money now."


@pytest.fixture
async def model() -> AsyncGenerator[ScriptedModel]:
    async with ScriptedModel(script) as model:
        yield model


@pytest.fixture
async def http(
    server: DevServer, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the API, as the user ann."""
    monkeypatch.setenv("HOLDFAST_TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("HOLDFAST_TASK_QUEUE", task_queue)
    serving = uvicorn.Server(uvicorn.Config(api, port=0, ws="none", log_level="warning"))
    task = asyncio.create_task(serving.serve())
    async with asyncio.timeout(30):
        await eventually(lambda: serving.started or task.done())
    port = serving.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"X-User": "ann"}, timeout=60
    ) as client:
        yield client
    serving.should_exit = True
    await task


@asynccontextmanager
async def worker(
    server: DevServer, task_queue: str, model: ScriptedModel, orders: Path, bank_seconds: float = 0
) -> AsyncGenerator[Running]:
    """A worker process of the example."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "SHOP_DATABASE": str(orders),
            "BANK_SECONDS": str(bank_seconds),
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": model.openai_url,
        }.items():
            patch.setenv(name, value)
        running = started(
            "worker",
            "examples.support.app:app",
            temporal_address=server.address,
            task_queue=task_queue,
            graceful_seconds="1",
        )
        async with running as process:
            await process.said("worker started")
            yield process


async def follow(
    http: httpx.AsyncClient, id: str, *, after: str = "", texts: int | None = None
) -> AsyncGenerator[ServerSentEvent]:
    """The events of a conversation after one of them, to the turn's end or for so many texts."""
    headers = {"Last-Event-ID": after} if after else {}
    async with (
        asyncio.timeout(60),
        aconnect_sse(http, "GET", f"/conversations/{id}/events", headers=headers) as source,
    ):
        async for event in source.aiter_sse():
            yield event
            if texts is not None:
                texts -= event.event == "text"
            if event.event == "turn_ended" or texts == 0:
                return


async def collect(events: AsyncGenerator[ServerSentEvent]) -> list[ServerSentEvent]:
    return [event async for event in events]


def data(events: list[ServerSentEvent], kind: str) -> list[dict[str, Any]]:
    """The contents of the events of a kind."""
    return [json.loads(event.data) for event in events if event.event == kind]


def refunds(orders: Path) -> list[str]:
    """The refunded orders in the shop's database."""
    with closing(sqlite3.connect(orders, timeout=10)) as db:
        return [order for (order,) in db.execute("select order_id from refunds")]


async def start(http: httpx.AsyncClient) -> str:
    answer = await http.post("/conversations", json={"text": REFUND})
    assert answer.status_code == 201, answer.text
    assert answer.json()["ticket"] == {
        "topic": "refund",
        "urgent": True,
        "summary": "Wants a refund for B-1001.",
    }
    return str(answer.json()["id"])


async def test_a_stream_that_breaks_within_a_text_goes_on_without_loss_or_repetition(
    http: httpx.AsyncClient, server: DevServer, task_queue: str, model: ScriptedModel, tmp_path: Path
) -> None:
    orders = tmp_path / "orders.db"
    async with worker(server, task_queue, model, orders):
        id = await start(http)
        events = await collect(follow(http, id, texts=3))  # the second text of the answer
        broken = len(events)
        events += await collect(follow(http, id, after=events[-1].id))
    assert len(data(events[:broken], "text")) == 3
    assert len(data(events[broken:], "text")) > 1
    assert len({event.id for event in events}) == len(events)
    last = [each["text"] for each in data(events, "text") if each["step"] == 3]
    assert "".join(last) == ANSWER
    assert data(events, "text_restart") == []
    assert [each["arguments"] for each in data(events, "tool_started")] == [{}, {"order": "B-1001"}]
    assert data(events, "turn_ended")[0]["reply"]["text"] == ANSWER
    assert refunds(orders) == ["B-1001"]


async def test_another_user_does_not_find_the_conversation(
    http: httpx.AsyncClient, server: DevServer, task_queue: str, model: ScriptedModel, tmp_path: Path
) -> None:
    async with worker(server, task_queue, model, tmp_path / "orders.db"):
        id = await start(http)
        for user, path in (("ben", id), ("ann", "s-none")):
            answer = await http.get(f"/conversations/{path}/events", headers={"X-User": user})
            assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
        again = await http.post(f"/conversations/{id}/messages", json={"text": "Thanks!"})
        assert (again.status_code, again.json()) == (202, {"turn": 2})


@pytest.mark.slow
async def test_a_refund_survives_the_death_of_its_worker(
    http: httpx.AsyncClient, server: DevServer, task_queue: str, model: ScriptedModel, tmp_path: Path
) -> None:
    orders = tmp_path / "orders.db"
    async with worker(server, task_queue, model, orders, bank_seconds=4) as first:
        id = await start(http)
        await eventually(lambda: refunds(orders) == ["B-1001"])
        first.signal(signal.SIGKILL)
        await first.ended()
    async with worker(server, task_queue, model, orders, bank_seconds=4):
        events = await collect(follow(http, id))
        client = await connect()
        (effect,) = await client.effects(session=id)
    assert data(events, "turn_ended")[0]["reply"]["text"] == ANSWER
    assert data(events, "tool_ended")[1]["status"] == "ok"
    assert refunds(orders) == ["B-1001"]
    assert (effect.status, effect.by) == ("settled", "probe")
