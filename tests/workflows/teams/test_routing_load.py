"""Routing under load: a slow and a fast agent, and an agent whose provider is dead."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from benchmarks import routing
from holdfast import Agent, App, Routing
from holdfast.testing import Reply, Request, failed, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ..conftest import Start

REQUESTS = 50


def app(*names: str) -> App:
    work, once = Routing(capabilities=("work",)), RetryPolicy(attempts=1)
    return App(
        agents=[
            Agent(name, model=f"{provider}:{name}", routing=work, model_retry=once)
            for name, provider in zip(names, ("openai", "anthropic"), strict=True)
        ]
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_of_fifty_requests_at_once_the_slow_agent_gets_few(start: Start) -> None:
    async with start(routing.paced, routing.app()) as it:
        client = it.holdfast.client
        by_chance = await routing.at_random(client, REQUESTS)
        by_rank = await routing.routed(client, REQUESTS)
        # The benchmark has a closer bound: on a busy machine the fast agent is slower, too.
        assert by_rank.agents["slow"] < 0.75 * by_chance.agents["slow"]
        assert by_rank.agents.total() == REQUESTS


async def test_no_request_is_lost_when_the_provider_of_one_agent_is_dead(start: Start) -> None:
    def one_dead(request: Request) -> Reply:
        return failed(503, "Down.") if request.model == "dead" else say(request.model)

    async with start(one_dead, app("alive", "dead")) as it:
        answers = await asyncio.gather(*(it.holdfast.client.run(routing.WORK, "Go") for _ in range(20)))
        assert answers == ["alive"] * 20
        asked = Counter(json.loads(seen.body)["model"] for seen in it.model.requests)
        assert 0 < asked["dead"] < 20
