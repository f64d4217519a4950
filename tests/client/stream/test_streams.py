"""Streams of running sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from holdfast.testing import Reply, Request, call, rate_limited, say
from holdfast_client import Session
from holdfast_client.stream.events import (
    StepEnded,
    StreamEvent,
    TextDelta,
    TextRestart,
    ToolEnded,
    ToolProgress,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from holdfast_workflows.contracts.errors import (
    BadInput,
    SessionClosed,
    TurnCancelled,
    TurnNotEnded,
    UnknownAgent,
)

from ...support import shown
from ..conftest import Running

STORY = "Once there was a bee. " * 60
SLOW = 0.05  # seconds between the chunks of a streamed reply


async def test_text_is_streamed_while_the_model_generates(running: Running) -> None:
    async with running([say(STORY, pace=SLOW)]) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.", streaming=True)
        events = [event async for event in session.stream()]
        assert isinstance(events[0], TurnStarted)
        assert isinstance(events[-1], TurnEnded) or isinstance(events[-2], TurnEnded)
        assert sum(isinstance(event, TextDelta) for event in events) > 3
        assert shown(events) == STORY


async def test_stream_can_send_its_message(running: Running) -> None:
    async with running([say("One."), say("Two.")]) as holdfast:
        session = await holdfast.client.start("helper", "Say one.")
        await session.wait(raise_on_error=False)
        events = [event async for event in session.stream("Say two.")]
        assert shown(events) == "Two."
        assert {event.turn for event in events if isinstance(event, TextDelta)} == {2}


async def test_tool_calls_are_streamed(running: Running) -> None:
    script = [say("Let me look.") + call("look", {"at": "it"}), say("It is there.")]
    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Is it there?")
        events = [event async for event in session.stream()]
        steps = [type(event) for event in events if isinstance(event, StepEnded | ToolStarted | ToolEnded)]
        assert steps == [StepEnded, ToolStarted, ToolEnded, StepEnded]
        ended = next(event for event in events if isinstance(event, ToolEnded))
        assert (ended.name, ended.status, ended.result) == ("look", "ok", "it: seen")


async def test_every_inline_step_is_streamed(running: Running) -> None:
    script = [*(say(f"Peek {n}. ") + call("peek", {"at": str(n)}) for n in range(12)), say("Done.")]
    async with running(script) as holdfast:
        session = await holdfast.client.start("quick", "Peek about.")
        events = [event async for event in session.stream()]
        assert sum(isinstance(event, StepEnded) for event in events) == 13
        assert [event.result for event in events if isinstance(event, ToolEnded)] == [
            f"{n}: glimpsed" for n in range(12)
        ]
        assert [event.arguments for event in events if isinstance(event, ToolStarted)] == [
            {"at": str(n)} for n in range(12)
        ]


async def test_inline_steps_are_streamed_before_the_activity_ends(running: Running) -> None:
    script = [
        say("Peek. ") + call("peek", {"at": "it"}),
        say(STORY, pace=SLOW),
    ]
    async with running(script) as holdfast:
        session = await holdfast.client.start("quick", "Peek about.", streaming=True)
        events = [event async for event in session.stream()]
        kinds = [type(event) for event in events if isinstance(event, ToolEnded | TextDelta)]
        assert kinds.index(ToolEnded) < len(kinds) - 3
        assert shown(events) == "Peek. " + STORY


async def test_a_reconnected_client_gets_the_text_so_far(running: Running) -> None:
    async with running([say(STORY, pace=SLOW)]) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.", streaming=True)
        before: list[StreamEvent] = []
        stream = session.stream()
        async for event in stream:
            before.append(event)
            if len(shown(before)) > len(STORY) // 3:
                break
        await stream.aclose()
        again = [event async for event in holdfast.client.session(session.id).stream()]
        first = next(event for event in again if isinstance(event, TextDelta))
        assert first.text.startswith(shown(before))
        assert shown(again) == STORY


async def test_a_retry_restarts_the_text(running: Running) -> None:
    other = "In the beginning " * 40
    script = [say(STORY, pace=SLOW, cut_at=9_000), rate_limited(0.1), say(other, pace=SLOW)]
    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.", streaming=True)
        events: list[StreamEvent] = []
        async for event in session.stream():
            events.append(event)
            text = shown(events)
            assert STORY.startswith(text) or other.startswith(text)
        assert any(isinstance(event, TextRestart) for event in events)
        assert shown(events) == other


async def test_a_running_tool_reports_progress_and_can_be_cancelled(running: Running) -> None:
    async with running([call("dig"), say("never")]) as holdfast:
        session = await holdfast.client.start("helper", "Dig.")
        events: list[StreamEvent] = []
        async for event in session.stream():
            events.append(event)
            if isinstance(event, ToolProgress) and event.detail.startswith("spade"):
                reply = await session.cancel("enough")
                assert reply.status == "cancelled"
                assert isinstance(reply.error, TurnCancelled)
        last = next(event for event in events if isinstance(event, TurnEnded))
        assert last.reply.status == "cancelled"
        assert any(isinstance(event, ToolEnded) and event.status == "cancelled" for event in events)


async def test_a_paused_session_can_be_resumed(running: Running) -> None:
    async with running([call("dig"), say("Done.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        view = await session.pause()
        assert view.status == "paused"
        assert (await session.resume()).status != "paused"
        await session.cancel()


async def test_a_steering_message_starts_another_step(running: Running) -> None:
    requested, steered = asyncio.Event(), asyncio.Event()

    async def script(request: Request) -> Reply:
        if request.number == 1:
            requested.set()
            await steered.wait()
        return say("Slow." if request.number == 1 else "Steered.")

    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        async with asyncio.timeout(30):
            await requested.wait()  # an earlier message would be read at the first step
        assert await session.steer("to the left") == 1
        steered.set()
        reply = await session.wait(raise_on_error=False)
        assert (reply.text, reply.steps) == ("Steered.", 2)


async def test_watch_follows_every_turn_until_the_session_is_closed(running: Running) -> None:
    watching_started = asyncio.Event()

    async def script(request: Request) -> Reply:
        await watching_started.wait()
        return say("One.") if request.number == 1 else say("Two.")

    async with running(script) as holdfast:
        session = await holdfast.client.start("helper")
        texts: list[str] = []

        async def watch() -> None:
            async for event in holdfast.client.session(session.id).watch():
                watching_started.set()
                if isinstance(event, TurnEnded):
                    texts.append(event.reply.text)

        watching = asyncio.create_task(watch())
        await session.send("Say one.")
        await session.send("Say two.")
        await session.close()
        await asyncio.wait_for(watching, 60)
        assert texts == ["One.", "Two."]


async def test_a_stream_survives_continue_as_new(running: Running) -> None:
    script = [*(say(f"Step {n}. ") + call("look", {"at": str(n)}) for n in range(8)), say("Done.")]
    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Walk.", continue_as_new_after=30)
        events = [event async for event in session.stream()]
        assert shown(events) == "".join(f"Step {n}. " for n in range(8)) + "Done."
        assert sum(isinstance(event, ToolEnded) for event in events) == 8


async def test_an_ended_turn_is_streamed_from_its_beginning(running: Running) -> None:
    async with running([say("One."), say("Two.")]) as holdfast:
        session = await holdfast.client.start("helper", "Say one.")
        await session.wait(raise_on_error=False)
        events = [event async for event in holdfast.client.session(session.id).stream()]
        assert shown(events) == "One."
        await session.close()
        await session.result()
        events = [event async for event in holdfast.client.session(session.id).stream()]
        assert shown(events) == "One."


async def test_a_stream_raises_when_the_session_ends_without_its_turn(running: Running) -> None:
    async with running([]) as holdfast:
        session = await holdfast.client.start("nobody")
        with pytest.raises((UnknownAgent, SessionClosed)):
            async for _ in session.stream():
                pass


async def test_the_handle_shows_its_id(running: Running) -> None:
    async with running([], worker=False) as holdfast:
        session = holdfast.client.session("s-1")
        assert isinstance(session, Session)
        assert repr(session) == "Session('s-1')"


async def test_a_stream_continues_after_any_event(running: Running) -> None:
    script = [
        say("Two looks. ") + call("look", {"at": "a"}) + call("look", {"at": "b" * 3_000}),
        say("Done."),
        say("Later."),
    ]
    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Look.", streaming=True)
        whole = [event async for event in session.stream()]
        started = [event for event in whole if isinstance(event, ToolStarted)]
        assert [event.arguments for event in started] == [{"at": "a"}, {"at": "b" * 3_000}]
        await session.send("More.")
        await session.close()
        await session.result()
        other = holdfast.client.session(session.id)
        for index, event in enumerate(whole):
            rest = [event async for event in other.stream(after=event.id)]
            events = [*whole[: index + 1], *rest]
            assert shown(events) == "Two looks. Done."
            for kind in (TurnStarted, StepEnded, ToolStarted, ToolEnded, TurnEnded):
                assert [each.model_dump(exclude={"id"}) for each in events if isinstance(each, kind)] == [
                    each.model_dump(exclude={"id"}) for each in whole if isinstance(each, kind)
                ]
        later = [event async for event in other.watch(after=whole[0].id)]
        assert [event.turn for event in later if isinstance(event, TurnEnded)] == [1, 2]


async def test_a_stream_continues_in_the_middle_of_a_text(running: Running) -> None:
    async with running([say(STORY, pace=SLOW)]) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.", streaming=True)
        events: list[StreamEvent] = []
        while not events or not isinstance(events[-1], TurnEnded):
            stream = holdfast.client.session(session.id).stream(after=events[-1].id if events else None)
            async for event in stream:
                events.append(event)
                if isinstance(event, TextDelta):
                    break  # the connection is lost after each piece
            await stream.aclose()
        assert sum(isinstance(event, TextDelta) for event in events) > 3
        assert not any(isinstance(event, TextRestart) for event in events)
        assert shown(events) == STORY


async def test_a_stream_that_continues_after_a_retry_restarts_the_text(running: Running) -> None:
    other = "In the beginning " * 40
    script = [say(STORY, pace=SLOW, cut_at=9_000), say(other)]
    async with running(script) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.", streaming=True)
        events: list[StreamEvent] = []
        async for event in session.stream():
            events.append(event)
            if isinstance(event, TextDelta):
                break
        await session.wait()
        events += [event async for event in session.stream(after=events[-1].id)]
        restarts = [isinstance(event, TextRestart) for event in events]
        assert any(restarts)
        assert shown(events) == other


async def test_a_stream_refuses_an_id_of_another_session_at_once(running: Running) -> None:
    async with running([say("One.")]) as holdfast:
        session = await holdfast.client.start("helper", "Say one.")
        events = [event async for event in session.stream()]
        other = holdfast.client.session("another")
        with pytest.raises(BadInput):
            other.stream(after=events[0].id)
        with pytest.raises(BadInput):
            other.watch(after="x")
        with pytest.raises(BadInput):
            session.stream("And two.", after=events[0].id)


async def test_a_stream_ends_at_its_timeout_and_can_be_continued(running: Running) -> None:
    async with running([call("dig"), say("Done.")]) as holdfast:
        session = await holdfast.client.start("helper", "Dig.")
        events: list[StreamEvent] = []

        async def collect(stream: AsyncGenerator[StreamEvent]) -> None:
            async for event in stream:
                events.append(event)  # those before the error, too

        with pytest.raises(TurnNotEnded, match=r"stream\(turn=1, after=event\.id\)"):
            await collect(session.stream(timeout=3))
        with pytest.raises(TurnNotEnded, match=r"watch\(after=event\.id\)"):
            await collect(session.watch(after=events[-1].id, timeout=0.2))
        await session.cancel()
        events += [event async for event in session.stream(after=events[-1].id)]
        assert sum(isinstance(event, TurnStarted) for event in events) == 1
        assert isinstance(events[-1], TurnEnded)
