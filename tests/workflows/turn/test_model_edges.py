"""Models at their edges: providers that fail in a chain or in a burst, control meanwhile, and what no model should say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from temporalio.api.enums.v1 import PendingActivityState

from holdfast import Agent, App
from holdfast.testing import Reply, Request, call, failed, hang, rate_limited, say, unauthorized
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import eventually, look, make_app, peek
from ..conftest import Running, Start

CANCEL_REQUESTED = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED


async def asked(it: Running, count: int) -> bool:
    return len(it.model.requests) >= count


async def told_to_yield(it: Running, session: str) -> bool:
    handle = it.holdfast.temporal.get_workflow_handle(session)
    pending = (await handle.describe()).raw_description.pending_activities
    return any(p.state == CANCEL_REQUESTED and p.HasField("last_heartbeat_time") for p in pending)


def chain(*models: str) -> App:
    return App(agents=[Agent("helper", model=list(models), instructions="Help.", tools=[look, peek])])


async def test_a_model_that_may_recover_is_tried_again_though_the_next_one_refuses(start: Start) -> None:
    script = [rate_limited(0.1), unauthorized(), say("Recovered.")]
    async with start(script, chain("openai:first", "openai:second")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Recovered."


async def test_a_model_that_cannot_be_had_does_not_keep_the_next_one_from_answering(start: Start) -> None:
    async with start([say("Here.")], chain("nowhere:first", "openai:second")) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Here."


async def test_a_pause_during_a_call_that_fails_does_not_fail_the_turn(start: Start) -> None:
    async with start([failed(500).but(delay=2.5), say("Recovered.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await eventually(lambda: asked(it, 1))
        await session.pause()

        async def held() -> bool:
            handle = it.holdfast.temporal.get_workflow_handle(session.id)
            return not (await handle.describe()).raw_description.pending_activities

        await eventually(held)
        assert (await session.view()).status == "paused"
        await session.resume()
        assert (await session.wait()).text == "Recovered."


async def test_a_cancel_takes_hold_though_a_pause_came_first(start: Start) -> None:
    async with start([hang(), say("Fresh.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await eventually(lambda: asked(it, 1))
        await session.pause()
        # The step has been told to end, and the activity hears of no second request.
        await eventually(lambda: told_to_yield(it, session.id))
        async with asyncio.timeout(30):
            assert (await session.cancel()).status == "cancelled"


async def test_steps_of_a_burst_count_though_a_later_one_fails(start: Start) -> None:
    script = [call("peek", {"at": "a"}), call("peek", {"at": "b"}), unauthorized(), unauthorized()]
    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.steps) == ("failed", 2)
        assert reply.usage.input_tokens > 0
        assert [e.text async for e in session.log() if isinstance(e, ResultEntry)] == [
            "a: glimpsed",
            "b: glimpsed",
        ]


async def test_a_valid_step_within_a_burst_ends_a_run_of_invalid_ones(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.number == 9:
            return say("Done.")
        return call("look", {"wrong": 1}) if request.number % 2 else call("peek", {"at": "it"})

    async with start(script, make_app(max_repairs=2)) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Done."


def until_answered(asking: Reply) -> Callable[[Request], Reply]:
    """A model that asks until it has a result: an attempt that is made again gets the same reply."""
    return lambda request: say("Done.") if request.results else asking


async def test_a_tool_name_of_three_megabytes_is_answered_like_any_unknown_one(start: Start) -> None:
    async with start(until_answered(call("x" * 3_000_000, {}))) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Done."


async def test_a_call_id_of_three_megabytes_does_no_harm(start: Start) -> None:
    async with start(until_answered(call("look", {"at": "it"}, id="i" * 3_000_000))) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        assert (await session.wait()).text == "Done."


async def test_output_that_is_wrong_in_a_huge_or_deep_place_is_repaired(start: Start) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    script = [say(json.dumps({"k" * 3_000_000: "x"})), say("[" * 100_000), say('{"n": 1}')]
    async with start(script) as it:
        assert await it.holdfast.client.run("helper", "How many?", output_type=schema) == {"n": 1}


async def test_a_burst_of_many_calls_with_strange_text_fits_its_payload(start: Start) -> None:
    def script(request: Request) -> Reply:
        many = [call("peek", {"at": f"{request.number}" + "\x01" * 400}) for _ in range(100)]
        return sum(many, Reply()) if request.number <= 8 else say("Done.")

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        reply = await session.wait(raise_on_error=False)
        assert (reply.error, reply.text) == (None, "Done.")


async def test_a_session_of_long_replies_can_be_looked_at(start: Start) -> None:
    def script(_: Request) -> Reply:
        return say('"' * INLINE_TEXT)

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        for number in range(90):
            await session.send(str(number), wait=False)
        await session.wait(91, raise_on_error=False)
        view = await session.view(0)
        assert view.last is not None
        assert view.events[-1].n == view.next_event - 1


async def test_names_a_model_makes_up_are_no_markup_in_the_details(start: Start) -> None:
    evil = "x` ![pixel](http://example.com/x) `"
    async with start([call(evil, {}), say("Done.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        shown: str = await handle.query("__temporal_workflow_metadata")
        assert "`x ![pixel](http://example.com/x) `" in str(shown)
