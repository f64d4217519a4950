"""What models are sent in the course of a session: within the window, whole, and accounted for."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

import pytest

from holdfast import Agent, App, CachedReply, SimplifiedReply, tool
from holdfast.testing import Reply, Request, TokenLimit, call, overloaded, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.names import UPDATE_PLAN
from holdfast_workflows.contracts.session.entries import ReplyEntry
from holdfast_workflows.contracts.session.manifests import Manifest

from ..conftest import Running, Start

INSTRUCTIONS = "You are the surveyor. Look at every field."
TASK = "Look at all fields and say what is there."
WIRES = ("openai", "anthropic")

_WORDS = ("field", "barn", "river", "stone", "harvest", "seven", "1913", "orchard", "ditch", "fence", "mill")


@tool(inline=True)
async def survey(field: int) -> str:
    """Look at a field.

    Args:
        field: Its number.
    """
    chosen = random.Random(field).choices(_WORDS, k=420)
    return f"Field {field}: {' '.join(chosen)}"[:2_048]


@dataclass
class Watcher:
    """Asks for one field after the other, and notes what is wrong with the prompts it is sent."""

    steps: int
    wrong: list[str] = field(default_factory=list[str])
    asked: int = 0
    last: tuple[bytes, Reply] | None = None

    def __call__(self, request: Request) -> Reply:
        """The next field; at last an answer. A prompt whose reply was lost with its workflow task gets it again."""
        if self.last is None or self.last[0] != request.body:
            self.last = request.body, self._next(request)
        return self.last[1]

    def _next(self, request: Request) -> Reply:
        self.asked += 1
        self.wrong += [f"{request.number}: {what}" for what in problems(request)]
        if self.asked >= self.steps:
            return say("That is all.")
        if self.asked == 3:
            return call(UPDATE_PLAN, {"items": [{"text": "Look at every field", "status": "doing"}]})
        return call("survey", {"field": self.asked})


def problems(request: Request) -> list[str]:
    """What no prompt may be."""
    found: list[str] = []
    if INSTRUCTIONS.encode() not in request.body:
        found.append("no instructions")
    if TASK.encode() not in request.body:
        found.append("no task")
    if request.number > 5 and b"Look at every field" not in request.body:
        found.append("no plan")
    calls, results = list[str](), list[str]()
    for message in request.messages:
        if request.wire == "openai":
            made: list[dict[str, str]] = message.get("tool_calls") or []
            calls += [one["id"] for one in made]
            results += [message["tool_call_id"]] if message["role"] == "tool" else []
        else:
            calls += [block["id"] for block in message["content"] if block["type"] == "tool_use"]
            results += [
                block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"
            ]
    if calls != results:
        found.append("a call without its result, or a result without its call")
    return found


def limited(watcher: Watcher, tokens: int) -> TokenLimit:
    """A server that refuses prompts over its limit, those that ask for a summary, too."""

    def script(request: Request) -> Reply:
        return watcher(request) if INSTRUCTIONS.encode() in request.body else say("They looked at fields.")

    return TokenLimit(script, tokens)


def surveyors(wire: str, context_window: int | None = None) -> App:
    agent = Agent(
        "surveyor",
        model=f"{wire}:scripted",
        instructions=INSTRUCTIONS,
        tools=[survey],
        max_steps=1_100,
        max_inline_steps=50,
        working_memory=True,
        context_window=context_window,
    )
    return App(agents=[agent])


async def manifests(it: Running, session: str) -> list[Manifest]:
    return await it.holdfast.state.manifests.list(session, limit=5_000)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("wire", "steps"), [pytest.param("openai", 1_000, marks=pytest.mark.slow), ("anthropic", 150)]
)
async def test_every_prompt_of_a_long_session_is_within_its_window_by_the_servers_count(
    start: Start, wire: str, steps: int
) -> None:
    watcher = Watcher(steps)
    script = limited(watcher, 8_000)
    async with start(script, surveyors(wire, context_window=8_000)) as it:
        session = await it.holdfast.client.start("surveyor", TASK)
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("That is all.", steps)
        assert watcher.wrong == []
        assert not script.refused
        made = await manifests(it, session.id)
        replies = [entry async for entry in session.log() if isinstance(entry, ReplyEntry)]
    assert [manifest.seq for manifest in made] == [entry.seq for entry in replies]
    assert all(manifest.estimated <= manifest.budget for manifest in made)
    assert all(sum(item.tokens for item in each.items) == each.estimated for each in made)
    assert max(len(manifest.items) for manifest in made) < 15
    # What is reported is the server's count, and the estimate comes to it.
    late = made[20:]
    misses = [abs(manifest.estimated - manifest.reported) / manifest.reported for manifest in late]
    assert sum(misses) / len(misses) < 0.08
    assert {"truncation"} <= set(late[-1].strategies)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_server_that_refuses_a_prompt_is_sent_a_smaller_one_once_and_never_the_same(
    start: Start, wire: str
) -> None:
    watcher = Watcher(40)
    script = limited(watcher, 6_000)
    async with start(script, surveyors(wire, context_window=100_000)) as it:
        session = await it.holdfast.client.start("surveyor", TASK)
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("That is all.", 40)
        made = await manifests(it, session.id)
    assert watcher.wrong == []
    # What was learnt of the window holds for the rest of the session: it is refused once.
    assert list(script.refused.values()) == [1]
    assert sum(seen.fault == "too_long" for seen in it.model.requests) == 1
    assert watcher.asked == 40
    assert "truncation" in made[-1].strategies


async def test_the_account_of_a_prompt_tells_how_it_was_made(start: Start) -> None:
    async with start([call("survey", {"field": 1}), say("Stones.")], surveyors("openai")) as it:
        session = await it.holdfast.client.start("surveyor", TASK)
        await session.wait(raise_on_error=False)
        first, second = await manifests(it, session.id)
    assert (first.turn, first.step, second.step) == (1, 1, 2)
    assert first.model == "openai:scripted"
    assert first.budget == first.context_window - first.reserve
    assert [item.part for item in second.items] == ["instructions", "tools", "task", "conversation"]
    assert all(item.tokens for item in second.items)
    assert second.reported > 0


async def test_a_reply_is_given_no_more_than_the_prompt_leaves_of_the_window(start: Start) -> None:
    """Servers refuse a request whose prompt and reply would together go over it, however short the prompt is made."""
    asked: list[int] = []
    for window in (None, 4_000):
        agent = Agent("surveyor", model="openai:gpt-4", max_tokens=8_000, context_window=window)
        async with start([say("Stones.")], App(agents=[agent])) as it:
            session = await it.holdfast.client.start("surveyor", TASK)
            await session.wait(raise_on_error=False)
            [manifest] = await manifests(it, session.id)
            asked.append(json.loads(it.model.requests[0].body)["max_tokens"])
        assert manifest.budget + asked[-1] == 8_192
    assert asked == [4_096, 6_192]


async def test_simplified_and_kept_replies_are_accounted_for_too(start: Start) -> None:
    agent = Agent(
        "surveyor",
        model="openai:a",
        instructions=INSTRUCTIONS,
        tools=[survey],
        model_retry=RetryPolicy(attempts=1),
        fallbacks=[CachedReply(max_age=60), SimplifiedReply(model="openai:small")],
    )

    def script(request: Request) -> Reply:
        return (
            say(f"By {request.model}.") if request.number == 1 or request.model == "small" else overloaded()
        )

    async with start(script, App(agents=[agent])) as it:
        told: list[Manifest] = []
        for text in (TASK, TASK, "Something else."):
            session = await it.holdfast.client.start("surveyor", text)
            await session.wait(raise_on_error=False)
            told += await manifests(it, session.id)
    answered, kept, simple = told
    assert (answered.reported > 0, kept.reported) == (True, 0)
    parts = [item.part for item in kept.items]
    assert parts == [item.part for item in answered.items] == ["instructions", "tools", "task"]
    assert simple.model == "openai:small"
    assert [item.part for item in simple.items] == ["instructions", "task"]
