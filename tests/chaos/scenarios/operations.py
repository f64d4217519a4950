"""Operations on sessions in random order, resets among them, and 2,000 messages to one session."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from holdfast import HoldfastError
from holdfast.testing import Environment, ScriptedModel
from tests.workflows.conftest import Running
from tests.workflows.control import operations

from ..processes import Options
from ..report import Row

_MESSAGES = 2_000
_AT_ONCE = 8  # of one session, Temporal takes ten updates at once
_MOST = 25  # operations


async def run(options: Options) -> Row:
    """Each message is answered once with its own text, or refused with a reason."""
    row, chance = Row("operations", options), random.Random(options.seed)
    async with (
        ScriptedModel(operations.script) as model,
        Environment.start(operations.APP, model) as holdfast,
    ):
        it = Running(holdfast, model)
        room = asyncio.Semaphore(max(1, options.at_once // 10))

        async def one(done: Sequence[tuple[str, int]]) -> operations.Played:
            async with room:
                return await operations.play(it, done)

        plans = [
            [
                (chance.choice(operations.KINDS), chance.randrange(1_000))
                for _ in range(chance.randrange(3, _MOST))
            ]
            for _ in range(options.runs)
        ]
        played = await asyncio.gather(*map(one, plans))
        row.counts |= {"accepted": sum(len(each.accepted) for each in played)}
        row.counts |= {"refused": sum(each.refused for each in played)}
        row.counts |= {"resets": sum(each.resets for each in played)}
        row.forbid("problems", [problem for each in played for problem in each.problems], len(played))
        row.forbid("many", await _many(it), _MESSAGES)
    return row


async def _many(it: Running) -> list[str]:
    """Send 2,000 messages to one session, each until it is taken; what was not answered with its own text."""
    session = await it.holdfast.client.start("clerk", "m0")
    wrong: list[str] = []

    async def send(texts: Sequence[str]) -> None:
        for text in texts:
            while True:
                try:
                    reply = await session.send(text)
                except HoldfastError as error:
                    if not error.retryable and error.code not in {"queue_full", "session_busy"}:
                        wrong.append(f"{text}: {error}")
                        break
                    await asyncio.sleep(0.1)
                else:
                    if reply.text != f"You said: {text}":
                        wrong.append(f"{text} was answered {reply.text!r}")
                    break

    texts = [f"m{2 * number}" for number in range(1, _MESSAGES + 1)]
    await asyncio.gather(*(send(texts[first::_AT_ONCE]) for first in range(_AT_ONCE)))
    return wrong
