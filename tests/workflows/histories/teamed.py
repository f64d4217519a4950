"""The shapes of runs with several agents: a handoff that is undone, tasks for other agents, and a team with a plan."""

from __future__ import annotations

from typing import Any

from holdfast import Agent, App, Delegate, FanOut, Handoff, Parallel, Pipeline, tool
from holdfast.testing import Environment, Reply, Request, call, failed, say
from holdfast_client import Session
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ...support import Gate


def desk(_: Gate) -> App:
    """An agent that books and hands off, and the one that goes on."""

    @tool
    async def unbook(what: str) -> str:
        """Take a booking back.

        Args:
            what: What was booked.
        """
        return f"{what}: free again"

    @tool(effect="idempotent", undo=unbook)
    async def book(what: str) -> str:
        """Book something.

        Args:
            what: What to book.
        """
        return f"{what}: booked"

    once = RetryPolicy(attempts=1)
    triage = Agent("helper", model="openai:scripted", tools=[book, Handoff("billing")])
    return App(agents=[triage, Agent("billing", model="openai:scripted", model_retry=once)])


async def handoff(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Book a room.")
    await session.wait(raise_on_error=False)
    await session.send("And the price?")
    await session.close()
    return session


def team(_: Gate) -> App:
    """An agent that gives tasks to another one, which fails once, and to its fallback."""
    worker = Agent("worker", model="openai:worker", model_retry=RetryPolicy(attempts=1))
    other = Agent("other", model="openai:other")
    fan_out = FanOut(worker, fallbacks=[other], timeout=600)
    helper = Agent("helper", model="openai:scripted", tools=[fan_out, Delegate(other)])
    return App(agents=[helper, worker, other])


def works(request: Request) -> Reply:
    """The replies of all three agents."""
    match request.json["model"], request.results:
        case "worker", _:
            return failed(400) if b"second" in request.body else say("Done.")
        case "other", _:
            return say("Done instead.")
        case _, 0:
            return call("fan_out_to_worker", {"tasks": ["first", "second"]})
        case _, 1:
            return call("delegate_to_other", {"task": "third"})
        case _:
            return say("All done.")


async def delegated(holdfast: Environment, _: Gate) -> Session:
    return await holdfast.client.start_task("helper", "Do three things.")


def planned(_: Gate) -> App:
    """A pipeline whose last stage is a parallel team."""
    agents = [Agent(name, model="openai:scripted") for name in ("writer", "critic", "reader")]
    readers = Parallel("readers", agents=["critic", "reader"])
    return App(agents=agents, teams=[readers, Pipeline("helper", stages=["writer", readers])])


async def pipeline(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Write.")
    await session.wait()
    await session.close()
    return session


TEAMED: dict[str, Any] = {
    "delegated": (delegated, works, team),
    "team": (pipeline, [say("A draft."), say("Good."), say("Good.")], planned),
    "handoff": (
        handoff,
        [
            call("book", {"what": "a room"}),
            call("handoff_to_billing", {"reason": "the price"}),
            failed(400),
            say("90 €."),
        ],
        desk,
    ),
}
