"""Routing under load: a slow and a fast agent, and an agent whose provider is dead."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import Counter
from statistics import quantiles

import pytest

from holdfast import Agent, App, Route, Routing
from holdfast.testing import Reply, Request, failed, say
from holdfast_client import Client
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ..conftest import Start

WORK = Route(capabilities=("work",))
REQUESTS = 50
SECONDS = {"fast": 0.2, "slow": 8.0}


def app(*names: str) -> App:
    routing, once = Routing(capabilities=("work",)), RetryPolicy(attempts=1)
    return App(
        agents=[
            Agent(name, model=f"{provider}:{name}", routing=routing, model_retry=once)
            for name, provider in zip(names, ("openai", "anthropic"), strict=True)
        ]
    )


async def paced(request: Request) -> Reply:
    await asyncio.sleep(SECONDS[request.model])
    return say(request.model)


async def timed(client: Client, agent: str | Route) -> tuple[float, str]:
    began = time.monotonic()
    answer = await client.run(agent, "Go")
    return time.monotonic() - began, answer


def p95(times: list[tuple[float, str]]) -> float:
    return quantiles([seconds for seconds, _ in times], n=20)[-1]


@pytest.mark.slow
async def test_of_fifty_requests_at_once_p95_is_well_below_that_of_random_routing(start: Start) -> None:
    async with start(paced, app("fast", "slow")) as it:
        client = it.holdfast.client
        chance = random.Random(7)
        at_random = [chance.choice(list(SECONDS)) for _ in range(REQUESTS)]
        # The random ones come first. By their turns the router knows the agents.
        by_chance = await asyncio.gather(*(timed(client, agent) for agent in at_random))
        await asyncio.sleep(1.1)  # what the router knows is up to a second old
        routed = await asyncio.gather(*(timed(client, WORK) for _ in range(REQUESTS)))
        figures = f"random {p95(by_chance):.2f} s, routed {p95(routed):.2f} s"
        logging.getLogger(__name__).info("p95: %s", figures)
        assert p95(routed) <= 0.6 * p95(by_chance), figures


async def test_no_request_is_lost_when_the_provider_of_one_agent_is_dead(start: Start) -> None:
    def one_dead(request: Request) -> Reply:
        return failed(503, "Down.") if request.model == "dead" else say(request.model)

    async with start(one_dead, app("alive", "dead")) as it:
        answers = await asyncio.gather(*(it.holdfast.client.run(WORK, "Go") for _ in range(20)))
        assert answers == ["alive"] * 20
        asked = Counter(json.loads(seen.body)["model"] for seen in it.model.requests)
        assert 0 < asked["dead"] < 20
