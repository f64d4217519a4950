"""``python -m benchmarks.routing``: response times of routed requests against those of random routing.

A fast and a slow agent can do the work, and all requests arrive at once. The random ones come first, so the router
then knows both agents.
"""

import argparse
import asyncio
import logging
import random
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from holdfast import Agent, App, Route, Routing
from holdfast.testing import Environment, Reply, Request, ScriptedModel, say
from holdfast_client import Client
from holdfast_temporal import DevServer

WORK: Final = Route(capabilities=("work",))
"""What the requests need."""

SECONDS: Final = {"fast": 0.2, "slow": 8.0}
"""How long each agent's model takes."""

BOUND: Final = 0.6
"""The most that p95 of routed requests may be of that of random ones."""

_KNOWN = 1.1  # seconds after which the router's figures are read again


@dataclass(frozen=True)
class Answered:
    """Requests that were made at once.

    Attributes:
        p95: Seconds.
        agents: Requests by the agent that answered.
    """

    p95: float
    agents: Counter[str]


def app() -> App:
    """Two agents of the same capability."""
    routing = Routing(capabilities=("work",))
    return App(agents=[Agent(name, model=f"openai:{name}", routing=routing) for name in SECONDS])


async def paced(request: Request) -> Reply:
    """Answer with the agent's name, after its time."""
    await asyncio.sleep(SECONDS[request.model])
    return say(request.model)


async def at_random(client: Client, requests: int, seed: int = 7) -> Answered:
    """Give each request to an agent by chance."""
    chance = random.Random(seed)
    return await _answered(client, [chance.choice(list(SECONDS)) for _ in range(requests)])


async def routed(client: Client, requests: int) -> Answered:
    """Let the router choose, once it knows what came before."""
    await asyncio.sleep(_KNOWN)
    return await _answered(client, [WORK] * requests)


async def _answered(client: Client, agents: list[str] | list[Route]) -> Answered:
    async def timed(agent: str | Route) -> tuple[float, str]:
        began = time.monotonic()
        answer = await client.run(agent, "Go")
        return time.monotonic() - began, answer

    found = await asyncio.gather(*(timed(agent) for agent in agents))
    p95 = quantiles([seconds for seconds, _ in found], n=20)[-1]
    return Answered(p95, Counter(answer for _, answer in found))


async def measure(requests: int) -> tuple[Answered, Answered]:
    """Measure random and routed requests."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-routing-")))
        server = await stack.enter_async_context(DevServer(home, memory=True, ui=False))
        model = await stack.enter_async_context(ScriptedModel(paced))
        it = await stack.enter_async_context(Environment.start(app(), model, server=server.address))
        return await at_random(it.client, requests), await routed(it.client, requests)


def main() -> None:
    """Measure, print, and fail if routed requests are not well below random ones."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("--requests", type=int, default=50, help="requests at once (50)")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # attempts that SQLite is too slow for are made again
    by_chance, by_rank = asyncio.run(measure(options.requests))
    print("| routing | p95 s | fast | slow |\n|---|---:|---:|---:|")
    for name, each in (("random", by_chance), ("routed", by_rank)):
        print(f"| {name} | {each.p95:.2f} | {each.agents['fast']} | {each.agents['slow']} |")
    ratio = by_rank.p95 / by_chance.p95
    print(f"\np95 of routed requests is {ratio:.2f} of that of random ones.")
    if ratio > BOUND:
        raise SystemExit(f"it must be at most {BOUND:g}")


if __name__ == "__main__":
    main()
