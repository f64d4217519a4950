"""A fork takes a step again with recorded results, and has no effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from holdfast import BadInput, Comparison, ContentRemoved, NothingToDo, Session
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, failed, say
from holdfast_activities.evaluation import forking
from holdfast_activities.session.common.agents import LiveAgent, LiveAgents
from holdfast_activities.session.tool_call import act
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.evaluation.forks import stored_digest
from holdfast_workflows.contracts.evaluation.outcomes import Outcome
from holdfast_workflows.contracts.session.steps import ActInput

from .support import Outside, model, shop


async def original(holdfast: Environment) -> Session:
    session = await holdfast.client.start("clerk", "Refund order 42, please.", user="u1")
    assert (await session.wait()).text == "Refunded."
    return session


def sources(outcome: Outcome) -> list[tuple[str, str]]:
    return [(each.name, each.source) for each in outcome.calls]


async def test_a_fork_with_another_model_refunds_nothing_and_shows_both_outcomes(server: DevServer) -> None:
    outside = Outside()
    async with (
        ScriptedModel(model) as scripted,
        Environment.start(shop(outside), scripted, server=server.address) as holdfast,
    ):
        session = await original(holdfast)
        before = (list(outside.refunds), list(outside.mails), list(outside.reads))
        forked = await session.fork(model="openai:generous", reads="recorded")
        found = await forked.comparison()
        assert (outside.refunds, outside.mails, outside.reads) == before
        assert await forked.effects() == ()
        assert (await forked.view()).inbox == ()
        _shows(found)
        # The session itself is as it was.
        assert [effect.status for effect in await session.effects()] == ["settled"]
        assert (await session.send("Thanks")).status == "done"


def _shows(found: Comparison) -> None:
    assert (found.original.text, found.fork.text) == ("Refunded.", "Refunded twice as much.")
    assert (found.original.steps, found.fork.steps) == (3, 4)
    assert found.fork.models == ("openai:generous",)
    assert sources(found.original) == [("find", "tool"), ("stock", "tool"), ("refund", "tool")]
    made = [("find", "recorded"), ("stock", "recorded"), ("refund", "fenced")]
    assert sources(found.fork) == [*made, ("mail", "fenced"), ("find", "fenced")]
    assert [each.name for each in found.new_calls] == ["refund", "mail", "find"]
    assert [each.name for each in found.missing_calls] == ["refund"]


async def test_a_worker_of_a_build_without_the_fence_leaves_a_call_to_one_with_it(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = Outside()
    async with (
        ScriptedModel(model) as scripted,
        Environment.start(shop(outside), scripted, server=server.address) as holdfast,
    ):
        session = await original(holdfast)
        before = list(outside.refunds)
        taken = older_builds_take_the_first(monkeypatch, "refund")
        found = await (await session.fork(at=2, model="openai:generous")).comparison()
    assert taken == ["older", "newer"]
    assert outside.refunds == before
    assert sources(found.fork)[0] == ("refund", "fenced")


def older_builds_take_the_first(monkeypatch: pytest.MonkeyPatch, tool: str) -> list[str]:
    """Have the first attempt at a tool's calls ignore what an older build does not know; return who took each."""
    read, get = act._request, LiveAgents.get
    taken: list[str] = []

    def request(args: Sequence[Any]) -> ActInput:
        found = read(args)
        if found.name != tool:
            return found
        taken.append("newer" if taken else "older")
        return found.model_copy(update={"fork": None}) if len(taken) == 1 else found

    def digest_of(digest: str) -> str:
        return digest if len(taken) == 1 else stored_digest(digest)

    async def from_database(agents: LiveAgents, digest: str) -> LiveAgent:
        agents._live.pop(digest, None)  # another process could not have read it
        return await get(agents, digest)

    monkeypatch.setattr(act, "_request", request)
    monkeypatch.setattr("holdfast_activities.state.database.stored_digest", digest_of)
    monkeypatch.setattr(LiveAgents, "get", from_database)
    return taken


async def test_a_fork_of_a_log_that_is_removed_before_it_is_copied_takes_no_step(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        ScriptedModel(model) as scripted,
        Environment.start(shop(Outside()), scripted, server=server.address) as holdfast,
    ):
        session = await original(holdfast)
        check, asked = forking.check, len(scripted.requests)

        async def removed_after(*args: Any) -> None:
            await check(*args)
            await holdfast.state.erasing.session(session.id, 1.0)

        monkeypatch.setattr(forking, "check", removed_after)
        forked = await session.fork(at=2)
        with pytest.raises(ContentRemoved, match="before it was copied"):
            await forked.wait()
        assert len(scripted.requests) == asked


async def test_the_same_calls_get_recorded_results_and_other_reads_are_made(server: DevServer) -> None:
    outside = Outside()
    async with (
        ScriptedModel(model) as scripted,
        Environment.start(shop(outside), scripted, server=server.address) as holdfast,
    ):
        session = await original(holdfast)
        same = await session.fork(at=2)
        found = await same.comparison()
        assert sources(found.fork) == [("refund", "recorded")]
        assert found.fork.text == found.original.text
        assert len(outside.refunds) == 1
        assert sorted(outside.reads) == ["42", "cup"]
        log = {entry.seq: entry.text async for entry in session.transcript()}
        copied = {entry.seq: entry.text async for entry in same.transcript()}
        assert copied == log
        other = await session.fork(at=3, model="openai:generous")
        assert sources((await other.comparison()).fork) == [("mail", "fenced"), ("find", "tool")]
        assert sorted(outside.reads) == ["42", "43", "cup"]
        assert outside.mails == []


async def test_the_next_step_of_a_failed_turn_can_be_tried_with_other_instructions(
    server: DevServer,
) -> None:
    def script(request: Request) -> Reply:
        if request.results == 0:
            return call("find", {"order": "42"})
        told = str(request.messages[0]["content"])
        return say("Found.") if "Answer briefly" in told else failed(400)

    async with (
        ScriptedModel(script) as scripted,
        Environment.start(shop(Outside()), scripted, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Where is order 42?")
        assert (await session.wait(raise_on_error=False)).status == "failed"
        forked = await session.fork(at=2, instructions="Answer briefly.")
        found = await forked.comparison()
        assert (found.original.status, found.original.steps) == ("failed", 0)
        assert (found.fork.status, found.fork.text, found.fork.steps) == ("done", "Found.", 1)
        with pytest.raises(NothingToDo, match="steps taken are turn 1: 1"):
            await session.fork(at=4)
        with pytest.raises(BadInput, match="not a fork"):
            await session.comparison()
