"""Tools that fail, and arguments that do not fit: told to the model, a bounded number of times."""

from __future__ import annotations

from holdfast import Agent, App, tool
from holdfast.testing import Call, Reply, Request, call, say
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry

from ...support import make_app
from ..conftest import Start


async def test_a_tool_that_stumbles_is_tried_again_with_the_same_key(start: Start) -> None:
    async with start([call("stumble", {}), say("Done.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        # Counted by key: had the second attempt another key, it would be attempt 1 of that one.
        assert [(e.status, e.text) for e in results] == [("ok", "attempt 2")]


async def test_a_tool_that_keeps_failing_is_told_to_the_model(start: Start) -> None:
    async with start([call("fall", {}), say("Then not.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Then not."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert results[0].status == "failed"
        assert results[0].text == "error: ValueError: fell with \ufffd and \ufffd in its words"


async def test_a_tool_error_goes_to_the_model_without_a_second_attempt(start: Start) -> None:
    async with start([call("refuse", {}), say("Then not.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert results[0].text == "error: not today"


async def test_a_tool_that_takes_too_long_ends_with_an_error_for_the_model(start: Start) -> None:
    import asyncio

    @tool(timeout=0.2, retries=0)
    async def dawdle() -> str:
        """Take for ever."""
        await asyncio.Event().wait()
        return "never"

    app = App(agents=[Agent("helper", model="openai:scripted", instructions="Help.", tools=[dawdle])])
    async with start([call("dawdle", {}), say("Too slow.")], app) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Too slow."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert results[0].text == "error: no result after 0.2 s"


async def test_arguments_that_do_not_fit_go_back_to_the_model_and_no_tool_runs(start: Start) -> None:
    script = [
        Reply(calls=(Call("look", '{"at": '),)),
        call("look", {"att": 1}),
        call("nothing_like_it", {}),
        call("look", {"at": "it"}),
        say("Done."),
    ]
    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Go")
        assert (await session.wait()).text == "Done."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert [e.status for e in results] == ["invalid", "invalid", "invalid", "ok"]
        assert "look, peek" in results[2].text
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        scheduled = [
            event.activity_task_scheduled_event_attributes.activity_type.name
            async for event in handle.fetch_history_events()
            if event.HasField("activity_task_scheduled_event_attributes")
        ]
        assert scheduled.count("look") == 1
        assert "nothing_like_it" not in scheduled


async def test_a_model_that_keeps_sending_wrong_arguments_is_stopped(start: Start) -> None:
    def script(request: Request) -> Reply:
        return call("look", {"wrong": request.number})

    async with start(script, make_app(max_repairs=2)) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert isinstance(reply.error, ToolArgumentsInvalid)
        assert len(it.model.requests) == 3


async def test_calls_with_the_same_id_are_told_apart(start: Start) -> None:
    twice = Reply(calls=(Call("look", '{"at": "a"}', id="same"), Call("look", '{"at": "b"}', id="same")))
    async with start([twice, say("Done.")]) as it:
        session = await it.holdfast.client.start("helper", "Go")
        await session.wait(raise_on_error=False)
        replies = [e async for e in session.log() if isinstance(e, ReplyEntry)]
        assert len({call.id for call in replies[0].calls}) == 2


async def test_a_reply_that_was_cut_off_runs_none_of_its_calls(start: Start) -> None:
    def script(request: Request) -> Reply:
        if request.number == 1:
            return call("look", {"at": "it"}).but(finish="length")
        return say("Fresh.")

    async with start(script) as it:
        session = await it.holdfast.client.start("helper", "Go")
        reply = await session.wait(raise_on_error=False)
        assert reply.error is not None
        assert reply.error.code == "output_cut_off"
        assert (await session.send("Anew")).text == "Fresh."
        results = [e async for e in session.log() if isinstance(e, ResultEntry)]
        assert results == []
