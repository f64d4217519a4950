"""Sizes and strange text: a typed refusal or a completed run, never a run that is stuck."""

from __future__ import annotations

import logging

import pytest
from temporalio import workflow

from holdfast import MessageTooLarge
from holdfast.testing import Reply, Request, call, say
from holdfast_temporal import data_converter
from holdfast_workflows.contracts.agent.memory import RememberInput
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.limits import (
    MAX_MESSAGE,
    MAX_NAME,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_MESSAGES,
)
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry
from holdfast_workflows.contracts.session.session import Message, StartInput, TurnState
from holdfast_workflows.session.state.state import KEPT_UNREMEMBERED, SessionState

from ..support import NUL_AND_SURROGATE
from .conftest import Start


async def test_a_result_of_ten_megabytes_is_kept_whole_and_shown_to_the_model_in_part(start: Start) -> None:
    async with start([call("blow", {"size": 10_000_000}), say("Large.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Large."
        assert len(it.model.requests[-1].body) < 100_000
        stored = await it.holdfast.state.log.read(session.id, 1)
        assert [len(e.text) for e in stored if isinstance(e, ResultEntry)] == [10_000_000]


async def test_a_result_over_the_limit_is_an_error_that_the_model_reads(start: Start) -> None:
    async with start([call("blow", {"size": 17_000_000}), say("Too large.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Too large."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert results[0].status == "failed"
        assert "16 MiB" in results[0].text


async def test_a_message_of_ten_megabytes_is_refused_with_the_remedy(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        with pytest.raises(MessageTooLarge, match="store it where a tool can read it"):
            await it.holdfast.client.start("helper", "x" * 10_000_000)
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        with pytest.raises(MessageTooLarge):
            await session.send("x" * 10_000_000)


async def test_a_long_message_travels_by_reference_and_reaches_the_model_whole(start: Start) -> None:
    text = "The long story. " * 15_000

    seen: list[int] = []

    def script(request: Request) -> Reply:
        seen.append(request.body.count(b"The long story."))
        return say("Read.")

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", text)
        assert (await session.wait()).text == "Read."
        assert seen == [15_000]
        described = await it.holdfast.temporal.get_workflow_handle(session.id).describe()
        assert described.raw_description.workflow_execution_info.history_size_bytes < 20_000


async def test_a_long_reply_comes_back_whole(start: Start) -> None:
    text = "The long answer. " * 20_000
    async with start([say(text)]) as it:
        session = await it.holdfast.client.start("helper", "Go on")
        assert (await session.wait()).text == text


async def test_strange_text_is_kept_exactly_and_replaced_for_the_model(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.results == 0:
            return call("babble", {}) + say(NUL_AND_SURROGATE)
        return say(NUL_AND_SURROGATE)

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", NUL_AND_SURROGATE, tenant="acme")
        reply = await session.wait(raise_on_error=False)
        assert reply.status == "done"
        stored = await it.holdfast.state.log.read(session.id, 1)
        assert [e.text for e in stored if isinstance(e, UserEntry)] == [NUL_AND_SURROGATE]
        assert [e.text for e in stored if isinstance(e, ResultEntry)] == [NUL_AND_SURROGATE]
        sent = it.model.requests[-1].body
        assert b"\\u0000" not in sent
        assert "a\ufffdb\ufffdc\ufffdd" in sent.decode()


async def test_strange_text_steers_and_cancels_without_harm(start: Start) -> None:
    from ..support import Gate, make_app

    gate = Gate()
    async with start([call("hold", {"name": NUL_AND_SURROGATE}), say("ok")], make_app(gate)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await gate.arrived()
        await session.steer(NUL_AND_SURROGATE)
        reply = await session.cancel(NUL_AND_SURROGATE)
        assert reply.status == "cancelled"


@pytest.mark.parametrize("size", [1, 4_095, 4_096, 4_097, 250_000, 999_999, 1_000_000])
async def test_messages_of_every_allowed_size_are_answered(start: Start, size: int) -> None:
    async with start([say("Read.")]) as it:
        session = await it.holdfast.client.start("helper", "x" * size)
        assert (await session.wait()).text == "Read."


async def test_long_arguments_go_to_the_tool_by_reference(start: Start) -> None:
    async with start([call("blow", {"size": 2, "text": "y" * 50_000}), say("ok")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        stored = await it.holdfast.state.log.read(session.id, 1)
        assert [len(e.text) for e in stored if isinstance(e, ResultEntry)] == [100_000]


@pytest.mark.parametrize("letter", ["a", "漢", "é"])
def test_what_waits_to_be_remembered_never_stops_a_roll_over(
    letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at its most at once: the message of the turn, the queue, and the names of turns that wait."""
    monkeypatch.setattr(workflow, "payload_converter", lambda: data_converter.payload_converter)
    monkeypatch.setattr(workflow, "logger", logging.getLogger("session"))
    name = letter * MAX_NAME
    state = SessionState(StartInput(agent=name, tenant=name, user=name))
    state.spec = PinnedSpec(agent=name, digest="d" * 64)
    state.running = TurnState(turn=1)
    state.write("message", "m" * MAX_MESSAGE)
    for n in range(MAX_QUEUED_MESSAGES):
        message = Message(id=f"{n:03}{name[3:]}", text="m" * (MAX_QUEUED_BYTES // MAX_QUEUED_MESSAGES))
        state.queue.append((n + 2, message))
    request = RememberInput(session=name, agent=name, digest="d" * 64, turn=1, start=1, stop=9, tenant=name)
    state.unremembered.extend([request.model_copy(update={"user": name})] * KEPT_UNREMEMBERED)
    carried = state.start.model_copy(update={"carry": state.carried()})
    assert len(data_converter.payload_converter.to_payload(carried).data) < 2 * 1024 * 1024
    assert carried.carry is not None
    assert len(carried.carry.queue) == MAX_QUEUED_MESSAGES


def test_what_fits_is_carried_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "payload_converter", lambda: data_converter.payload_converter)
    state = SessionState(StartInput(agent="a"))
    state.spec = PinnedSpec(agent="a", digest="d")
    request = RememberInput(session="s", agent="a", digest="d", turn=1, start=1, stop=9)
    state.unremembered.extend([request] * KEPT_UNREMEMBERED)
    assert len(state.carried().unremembered) == KEPT_UNREMEMBERED
