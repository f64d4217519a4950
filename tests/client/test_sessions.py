"""Starting, sending, running and finding sessions."""

from __future__ import annotations

import asyncio
from typing import Any, assert_type, cast

import pytest

import holdfast_client
from holdfast import Agent
from holdfast.testing import hang, rate_limited, say, unauthorized
from holdfast_client import Reply as ClientReply
from holdfast_client import TurnEnded, connect
from holdfast_client.requests.starting import StartOptions
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import (
    BadInput,
    MessageTooLarge,
    ModelRejected,
    NothingToDo,
    NoWorker,
    OutputInvalid,
    SessionClosed,
    SessionNotFound,
    TemporalUnreachable,
    TurnCancelled,
    TurnNotEnded,
    UnknownAgent,
)
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_MESSAGE
from holdfast_workflows.contracts.session.entries import ReplyEntry, UserEntry
from holdfast_workflows.contracts.session.session import Status

from ..support import Report, always, eventually
from .conftest import Running

LONG = "ä long story. " * 2_000
ODD = "nul \x00, lone surrogate \ud83d, end"


async def test_a_conversation_answers_each_message(running: Running) -> None:
    async with running([say("Hello."), say("Still here.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!", tenant="acme")
        first = await session.wait(raise_on_error=False)
        second = await session.send("Are you there?")
        assert (first.text, first.turn, first.status) == ("Hello.", 1, "done")
        assert (second.text, second.turn, second.steps) == ("Still here.", 2, 1)
        assert second.usage.output_tokens > 0
        await session.close()
        assert (await session.result()).text == "Still here."
        with pytest.raises(SessionClosed):
            await session.send("And now?")


async def test_the_same_id_twice_is_the_same_session_and_one_message(running: Running) -> None:
    async with running([say("Hello."), say("too much")]) as holdfast:
        client = holdfast.client
        id = f"order-{holdfast.task_queue}"
        one, two = await asyncio.gather(
            client.start("helper", "Hi!", id=id), client.start("helper", "Hi!", id=id)
        )
        assert one.id == two.id == id
        assert (await one.wait()).text == "Hello."
        again = await client.start("helper", "Hi!", id=id)
        assert (await again.view()).turn == 1
        await again.close()
        await again.result()
        closed = await client.start("helper", "Hi!", id=id)
        assert (await closed.wait()).text == "Hello."


async def test_the_temporal_ui_shows_agent_and_request_without_markup(running: Running) -> None:
    async with running([say("Hello.")]) as holdfast:
        session = await holdfast.client.start("helper", "See ![it](http://x/y.png) <b>now</b>", tenant="a_b")
        found = await holdfast.temporal.get_workflow_handle(session.id).describe()
        assert await found.static_summary() == r"helper: See \!\[it\]\(http://x/y.png\) \<b\>now\</b\>"
        assert await found.static_details() == r"**helper** · conversation · a\_b"


async def test_a_session_on_another_queue_is_read_by_its_own_workers(running: Running) -> None:
    async with running([say(LONG)]) as holdfast:
        session = await holdfast.client.start("helper", "Tell me.")
        await session.wait(raise_on_error=False)
        elsewhere = await connect(temporal=holdfast.temporal, task_queue="nobody-listens-here")
        found = elsewhere.session(session.id)
        assert [entry.text async for entry in found.transcript()] == ["Tell me.", LONG]
        assert (await found.wait(1)).text == LONG


async def test_a_task_returns_its_text(running: Running) -> None:
    async with running([say("Forty-two.")]) as holdfast:
        assert await holdfast.client.run("helper", "What is it?") == "Forty-two."


async def test_a_task_returns_a_value_of_the_output_type(running: Running) -> None:
    async with running([say('{"title": "Bees", "points": ["dance"]}')]) as holdfast:
        report = await holdfast.client.run("helper", "Write about bees.", output_type=Report)
        assert report == Report(title="Bees", points=["dance"])


async def test_a_task_whose_output_never_fits_raises(running: Running) -> None:
    async with running(always(say("no JSON"))) as holdfast:
        with pytest.raises(OutputInvalid):
            await holdfast.client.run("helper", "Write about bees.", output_type=Report)


async def test_the_same_task_twice_runs_once(running: Running) -> None:
    async with running([say("Forty-two."), say("Forty-three.")]) as holdfast:
        id = f"task-{holdfast.task_queue}"
        first = await holdfast.client.run("helper", "What is it?", id=id)
        assert await holdfast.client.run("helper", "What is it?", id=id) == first


async def test_a_failed_turn_raises_the_error_of_its_class(running: Running) -> None:
    async with running(always(unauthorized())) as holdfast:
        with pytest.raises(ModelRejected, match="check the API key") as caught:
            await holdfast.client.run("helper", "Hi!")
        assert str(caught.value).count("check the API key") == 1
        session = await holdfast.client.start("helper", "Hi!")
        reply = await session.wait(raise_on_error=False)
        assert reply.status == "failed"
        assert isinstance(reply.error, ModelRejected)
        with pytest.raises(ModelRejected):
            await session.send("Again?")


async def test_wait_raises_on_a_failed_turn_unless_raise_on_error_is_false(running: Running) -> None:
    async with running(always(unauthorized())) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        with pytest.raises(ModelRejected):
            await session.wait()
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, type(reply.error)) == ("failed", ModelRejected)


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(holdfast_client, name) for name in holdfast_client.__all__)


async def test_a_rate_limited_call_is_retried(running: Running) -> None:
    async with running([rate_limited(0.1), say("Hello.")]) as holdfast:
        assert await holdfast.client.run("helper", "Hi!") == "Hello."


async def test_an_unknown_agent_is_refused_at_once(running: Running) -> None:
    async with running([]) as holdfast:
        with pytest.raises(UnknownAgent):
            await holdfast.client.start("nobody", "Hi!")
        with pytest.raises(UnknownAgent):
            await holdfast.client.run("nobody", "Hi!")


async def test_a_long_message_and_a_long_reply_arrive_unchanged(running: Running) -> None:
    async with running([say(LONG)]) as holdfast:
        session = await holdfast.client.start("helper", LONG)
        assert (await session.wait()).text == LONG
        entries = [entry async for entry in session.transcript()]
        assert [entry.text for entry in entries] == [LONG, LONG]
        short = [entry async for entry in session.log()]
        assert all(len(entry.text) < INLINE_TEXT for entry in short)


async def test_a_client_cannot_write_a_text_that_only_workers_write(running: Running) -> None:
    async with running([say("Hi.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hello.")
        await session.wait()
        for id in ("instructions-2", "debug-1", "begun-1"):
            with pytest.raises(BadInput, match="give another id"):
                await session.send(LONG, id=id)


@pytest.mark.parametrize("text", [ODD, ODD * INLINE_TEXT], ids=["short", "long"])
async def test_nul_and_lone_surrogates_arrive_unchanged(running: Running, text: str) -> None:
    async with running([say("Odd.")]) as holdfast:
        session = await holdfast.client.start("helper", text)
        assert (await session.wait()).text == "Odd."
        entries = [entry async for entry in session.transcript()]
        assert isinstance(entries[0], UserEntry)
        assert entries[0].text == text
        assert isinstance(entries[1], ReplyEntry)


@pytest.mark.parametrize(
    "text", ["x" * (MAX_MESSAGE + 1), "\x00" * (MAX_MESSAGE // 2)], ids=["plain", "escaped"]
)
async def test_a_message_that_is_too_large_starts_nothing(running: Running, text: str) -> None:
    async with running([]) as holdfast:
        with pytest.raises(MessageTooLarge):
            await holdfast.client.start("helper", text, id="never")
        with pytest.raises(SessionNotFound):
            await holdfast.client.session("never").view()


@pytest.mark.slow
async def test_without_a_worker_a_request_fails_in_bounded_time(running: Running) -> None:
    async with running([], worker=False) as holdfast:
        client = await connect(temporal=holdfast.temporal, task_queue=holdfast.task_queue, timeout=2.0)
        with pytest.raises(NoWorker, match="has the message"):
            await client.start("helper", "Hi!", id=f"later-{holdfast.task_queue}")
        for request in (
            client.agents(),
            client.session(f"later-{holdfast.task_queue}").view(),
            client.session(f"later-{holdfast.task_queue}").result(),
            client.session(f"later-{holdfast.task_queue}").wait(1, raise_on_error=False),
        ):
            with pytest.raises(NoWorker):
                await request


async def test_a_message_sent_without_a_worker_is_answered_later(running: Running) -> None:
    async with running([say("Late, but here.")], worker=False) as holdfast:
        client = await connect(temporal=holdfast.temporal, task_queue=holdfast.task_queue, timeout=2.0)
        id = f"later-{holdfast.task_queue}"
        with pytest.raises(NoWorker):
            await client.start("helper", "Hi!", id=id)
        async with holdfast.worker():
            assert (await holdfast.client.session(id).wait(1)).text == "Late, but here."


async def test_without_a_server_connecting_fails_in_bounded_time() -> None:
    with pytest.raises(TemporalUnreachable):
        await connect("127.0.0.1:1")


async def test_a_missing_session_is_not_found(running: Running) -> None:
    async with running([]) as holdfast:
        session = holdfast.client.session("nowhere")
        for request in (
            session.view(),
            session.send("Hi!"),
            session.pause(),
            session.wait(1, raise_on_error=False),
            session.result(),
        ):
            with pytest.raises(SessionNotFound):
                await request


async def test_controls_without_effect_raise(running: Running) -> None:
    async with running([say("Hello.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        await session.wait(raise_on_error=False)
        for request in (session.cancel(), session.resume(), session.steer("left")):
            with pytest.raises(NothingToDo):
                await request


async def test_sessions_are_listed_by_agent_tenant_and_status(running: Running) -> None:
    async with running(always(say("Hello."))) as holdfast:
        client, tenant = holdfast.client, f"o'{holdfast.task_queue}"
        one = await client.start("helper", "Hi!", tenant=tenant, user="ann")
        await one.wait(raise_on_error=False)
        two = await client.start("quick", "Hi!", tenant=tenant)
        await two.close()
        await two.result()

        async def ids(agent: str | None = None, status: Status | None = None) -> set[str]:
            found = client.sessions(tenant=tenant, agent=agent, status=status)
            return {info.id async for info in found}

        async def listed() -> bool:
            return await ids(status="closed") == {two.id} and await ids(status="idle") == {one.id}

        await eventually(listed)  # the server lists with a delay
        assert await ids() == {one.id, two.id}
        assert await ids(agent="helper") == {one.id}
        infos = [info async for info in client.sessions(tenant=tenant, agent="helper")]
        assert (infos[0].turns, infos[0].tenant, infos[0].user, infos[0].ended) == (1, tenant, "ann", None)


async def test_the_agents_are_listed_with_their_tools(running: Running) -> None:
    async with running([]) as holdfast:
        agents = {agent.name: agent for agent in await holdfast.client.agents()}
        assert agents["helper"].tools == ("look", "dig", "read_more")
        assert agents["helper"].description == "Helps."


@pytest.mark.parametrize("id", ["", "x" * 201, "tab\t", " edge"])
async def test_unprintable_ids_are_refused(running: Running, id: str) -> None:
    async with running([], worker=False) as holdfast:
        with pytest.raises(BadInput):
            await holdfast.client.start("helper", "Hi!", id=id)


@pytest.mark.parametrize("name", ["ann\0", "ann\ud800"])
async def test_names_that_storage_would_change_are_refused(running: Running, name: str) -> None:
    async with running([], worker=False) as holdfast:
        with pytest.raises(BadInput):
            await holdfast.client.start("helper", "Hi!", user=name)
        with pytest.raises(BadInput):
            await holdfast.client.start("helper", "Hi!", tenant=name)


@pytest.mark.parametrize(("given", "seconds"), [({}, 5), ({"heartbeat_timeout": 9.0}, 9)])
async def test_the_heartbeat_timeout_is_applied(running: Running, given: StartOptions, seconds: int) -> None:
    async with running([say("Hello.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!", **given)
        await session.wait(raise_on_error=False)
        history = await holdfast.temporal.get_workflow_handle(session.id).fetch_history()
    begun = history.events[0].workflow_execution_started_event_attributes
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    beats = {each.heartbeat_timeout.seconds for each in scheduled if each.activity_type.name == names.THINK}
    assert (beats, begun.workflow_task_timeout.seconds) == ({seconds}, seconds)


@pytest.mark.parametrize("heartbeat_timeout", [1.9, 601, float("nan")])
async def test_a_heartbeat_timeout_out_of_range_is_refused(
    running: Running, heartbeat_timeout: float
) -> None:
    async with running([], worker=False) as holdfast:
        with pytest.raises(BadInput, match="heartbeat_timeout"):
            await holdfast.client.start("helper", "Hi!", heartbeat_timeout=heartbeat_timeout)


async def test_cancelling_a_wait_cancels_it(running: Running) -> None:
    async with running([hang()]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await session.wait(raise_on_error=False)
        await session.cancel()


async def test_a_conversation_has_the_value_of_its_output_type(running: Running) -> None:
    bees, ants = (Report(title=title, points=[]).model_dump_json() for title in ("Bees", "Ants"))
    async with running([say(bees), say(ants), say("not JSON"), say(ants)]) as holdfast:
        session = await holdfast.client.start("helper", "Bees!", output_type=Report)
        assert (await session.wait()).output.title == "Bees"
        assert (await session.send("Ants!")).output == Report(title="Ants", points=[])
        known = holdfast.client.session(session.id)
        assert (await known.wait(1)).output == {"title": "Bees", "points": []}
        ended = [event async for event in known.stream(turn=2) if isinstance(event, TurnEnded)]
        assert ended[0].reply.output == {"title": "Ants", "points": []}
        assert (await session.send("Repair!")).output.title == "Ants"


async def test_the_agent_itself_gives_results_its_output_type(running: Running) -> None:
    triage = Agent("helper", model="openai:gpt-5-mini", output_type=Report)
    plain = Agent("helper", model="openai:gpt-5-mini")
    bees = say('{"title": "Bees", "points": []}')
    async with running([bees, say("Hello."), bees, say("no JSON")]) as holdfast:
        report = assert_type(await holdfast.client.run(triage, "Bees!"), Report)
        assert report == Report(title="Bees", points=[])
        assert assert_type(await holdfast.client.run(plain, "Hi!"), str) == "Hello."
        session = await holdfast.client.start(triage, "Bees!")
        assert assert_type((await session.wait()).output, Report) == report
        with pytest.raises(OutputInvalid):
            await session.send("Now free text.")
        reply: ClientReply = await holdfast.client.session(session.id, agent=triage).wait(
            2, raise_on_error=False
        )
        assert (reply.status, reply.output, type(reply.error)) == ("done", None, OutputInvalid)
        with pytest.raises(BadInput, match="neither an Agent nor the name"):
            await holdfast.client.run(cast("Any", 42), "Hi!")


async def test_a_timeout_says_how_to_come_back(running: Running) -> None:
    async with running(always(hang())) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        for call in (session.wait(timeout=0.2), session.result(timeout=0.2)):
            with pytest.raises(TurnNotEnded) as caught:
                await call
            assert (caught.value.session, caught.value.turn) == (session.id, 1)
            assert f"client.session('{session.id}')." in str(caught.value)
        with pytest.raises(TurnNotEnded, match=r"come back with client\.session"):
            await holdfast.client.run("helper", "Hi!", timeout=0.2)
        with pytest.raises(BadInput, match="timeout"):
            await session.wait(timeout=0)
        await session.cancel(timeout=30)


async def test_cancel_returns_the_cancelled_reply(running: Running) -> None:
    async with running(always(hang())) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        reply = await session.cancel("enough")
        assert (reply.status, type(reply.error), reply.output) == ("cancelled", TurnCancelled, None)
        with pytest.raises(TurnCancelled):
            await session.wait()
