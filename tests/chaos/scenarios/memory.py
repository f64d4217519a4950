"""The memory store is killed, and is away for a minute, while conversations go on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from holdfast_client import Client
from holdfast_workflows.contracts.agent.memory import MemoryView
from holdfast_workflows.contracts.errors import HoldfastError
from tests.weaviate_server import WeaviateServer, start_weaviate

from ..memory_script import fact
from ..processes import Options, World, world
from ..report import Row

TURNS = 5
"""Turns of each conversation."""

AWAY = 60.0
_APART = 20.0  # seconds from the beginning of one turn of a conversation to the next one's
_FIRST = 25.0  # seconds until the store is killed
_CATCH_UP = 180.0


async def run(options: Options) -> Row:
    """Every turn is answered, and in the end each is remembered once."""
    return await _row("memory", options, "")


async def careless(options: Options) -> Row:
    """The same where what could not be applied at once is not kept."""
    return await _row("memory-careless", options, "outbox")


async def _row(name: str, options: Options, careless: str) -> Row:
    row, store = Row(name, options), await asyncio.to_thread(start_weaviate)
    try:
        environment = {"HOLDFAST_MEMORY_URL": store.url("Chaos"), "HOLDFAST_EMBEDDINGS": "none"}
        script = "tests.chaos.memory_script:script"
        async with world(options, script=script, careless=careless, environment=environment) as up:
            conversations = max(1, options.runs // TURNS)
            away = asyncio.create_task(_away(store))
            talks = await asyncio.gather(*(_talk(up, number) for number in range(conversations)))
            await away
            turns = [turn for talk in talks for turn in talk]
            row.counts |= {"turns": len(turns), "seconds away": AWAY}
            row.forbid("turns failed", [each for each in turns if each], len(turns))
            began = time.monotonic()
            await _caught_up(up.client)
            row.counts["seconds to catch up"] = round(time.monotonic() - began, 1)
            found = [memory async for memory in up.client.memory.list()]
            _judge(row, found, conversations)
    finally:
        await asyncio.to_thread(store.stop)
    return row


async def _away(store: WeaviateServer) -> None:
    await asyncio.sleep(_FIRST)
    await asyncio.to_thread(store.kill)
    await asyncio.sleep(AWAY)
    await asyncio.to_thread(store.start)


async def _talk(up: World, number: int) -> list[str]:
    """One conversation; for each turn what went wrong with it, if anything did."""
    problems: list[str] = []
    clock = asyncio.get_running_loop().time
    begin = clock() + _APART * number / 60
    session = up.client.session(f"talk-{number}")
    for turn in range(TURNS):
        await asyncio.sleep(max(0.0, begin + turn * _APART - clock()))
        text = f"{_mark(number, turn)} is what I tell you."
        try:
            if turn:
                reply = await session.send(text)
            else:
                session = await up.client.start("keeper", text, id=session.id, user=f"user-{number}")
                reply = await session.wait(raise_on_error=False)
        except HoldfastError as error:
            problems.append(f"{_mark(number, turn)}: {error}")
        else:
            problems.append("" if reply.text == "Noted." else f"{_mark(number, turn)}: {reply.text}")
    return problems


def _mark(number: int, turn: int) -> str:
    return f"mark-{number}-{turn}"


async def _caught_up(client: Client) -> None:
    """Wait until nothing waits in the outbox, as long as anything moves there."""
    deadline = time.monotonic() + _CATCH_UP
    quiet = 0
    while time.monotonic() < deadline and quiet < 5:  # the last turns may still be on their way into it
        try:
            quiet = quiet + 1 if (await client.memory.stats()).waiting == 0 else 0
        except HoldfastError:
            quiet = 0
        await asyncio.sleep(1)


def _judge(row: Row, found: Sequence[MemoryView], conversations: int) -> None:
    marks = [_mark(number, turn) for number in range(conversations) for turn in range(TURNS)]
    expected = Counter({fact(mark): 1 for mark in marks})
    expected += Counter({f"{mark} is what I tell you.": 1 for mark in marks})
    expected["Noted."] = len(marks)
    kept = Counter(memory.text for memory in found)
    of = expected.total()
    row.counts["memories"] = len(found)
    row.forbid("memories missing", sorted((expected - kept).elements()), of)
    row.forbid("memories too many", sorted((kept - expected).elements()), of)
