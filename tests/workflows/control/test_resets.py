"""After a reset nothing from beyond its point is taken for the new run's, and nothing is done twice."""

from __future__ import annotations

import asyncio
import json

import pytest
from temporalio.api.enums.v1 import EventType

from holdfast.testing import Reply, Request, call, replay, say
from holdfast_activities.session.tool_call.same_calls import canonical
from holdfast_workflows.contracts.operations.resets import aside

from ...support import WAIT, eventually
from ..conftest import Running, Start
from .resets import APP, COMPLETED, DONE, before_message, events, followed, plan, reset, script, texts

SIGNALED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
FIRST = 4
"""The end of every run's first workflow task."""


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()


async def replays(it: Running, session: str) -> None:
    await replay(await it.holdfast.temporal.get_workflow_handle(session).fetch_history())


async def test_a_message_after_a_reset_gets_its_own_answer(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "one")
        await session.wait(raise_on_error=False)
        await session.send("two, old")
        await session.send("three, old")
        await reset(it, session.id, before_message(await events(it, session.id), 2))

        again = it.holdfast.client.session(session.id)
        await followed(it, session.id, 1)
        reply = await again.send("two, new")
        assert (reply.text, reply.turn) == ("You said: two, new", 4)
        assert (await again.send("three, new")).text == "You said: three, new"
        kept = ["user: one", "reply: You said: one"]
        new = ["two, new", "three, new"]
        said = [f"{kind}{text}" for text in new for kind in ("user: ", "reply: You said: ")]
        assert await texts(it, session.id) == [*kept, *said]
        prompt = [
            str(m["content"])
            for m in json.loads(it.model.requests[-1].body)["messages"]
            if m["role"] != "system"
        ]
        assert prompt == ["one", "You said: one", "two, new", "You said: two, new", "three, new"]
        # What was left behind is still there to be read.
        assert "reply: You said: two, old" in await texts(it, aside(session.id, 1))
        numbers = [turn.turn for turn in await it.holdfast.state.load_turns(session.id)]
        assert numbers[:2] == [1, 4]
        manifests = [manifest.seq async for manifest in again.prompts()]
        assert len(manifests) == 3
        await replays(it, session.id)


async def test_a_payment_asked_for_after_a_reset_is_made(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "hello")
        await session.wait(raise_on_error=False)
        await session.send(plan([("pay", "A")], [("mail", "A")]))
        await reset(it, session.id, before_message(await events(it, session.id), 2))
        await followed(it, session.id, 1)
        reply = await it.holdfast.client.session(session.id).send(plan([("pay", "B")], [("mail", "B")]))
        assert reply.text == "All done."
        assert [done.split()[:2] for done in DONE] == [
            ["paid", "A"],
            ["mailed", "A"],
            ["paid", "B"],
            ["mailed", "B"],
        ]
        paid = [effect for effect in await session.effects() if effect.tool == "pay"]
        assert [effect.status for effect in paid] == ["settled", "settled"]


@pytest.mark.parametrize("times", [1, 2])
async def test_the_same_calls_are_found_settled_after_a_reset_to_the_beginning(
    start: Start, times: int
) -> None:
    work = plan([("pay", "A"), ("pay", "A")], [("mail", "A")], [("read", "A")])
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", work)
        await session.wait(raise_on_error=False)
        done = [*DONE]
        again = session
        for _ in range(times):
            await reset(it, session.id, FIRST, reapply=True)
            again = it.holdfast.client.session(session.id)
            await again.wait(1, raise_on_error=False)
        assert done == DONE[: len(done)]
        assert DONE[len(done) :] == ["read A"] * times
        results = [
            entry.text for entry in await it.holdfast.state.log.read(session.id, 0) if entry.kind == "result"
        ]
        # Whole, though the ledger has only a preview of it.
        assert [text[-10:] for text in results[:2]] == ["to the end"] * 2
        assert results[-1] == f"A: read {times + 1} times"
        assert len(await texts(it, aside(session.id, times))) > 3
        assert (await again.send("and now?")).text == "You said: and now?"
        await replays(it, session.id)


async def changed(start: Start, first: str, second: str, *, resend: str = "") -> tuple[list[str], list[str]]:
    """Let a turn pay, reset to its beginning, and have it pay otherwise; who waits, and what was done."""
    paying = first

    def model(request: Request) -> Reply:
        if request.messages[-1]["role"] == "user":
            return call("pay", {"what": paying})
        return say("Paid.")

    async with start(model, APP) as it:
        session = await it.holdfast.client.start("clerk", "hello, pay please")
        await session.wait(raise_on_error=False)
        paying = second
        if resend:
            # As though the first message had never come.
            await session.send("pay once more")
            await reset(it, session.id, before_message(await events(it, session.id), 2))
            session = it.holdfast.client.session(session.id)
            sending = asyncio.create_task(session.send(resend))
        else:
            await reset(it, session.id, FIRST, reapply=True)
            session = it.holdfast.client.session(session.id)
            sending = asyncio.create_task(session.wait(1, raise_on_error=False))
        view = await session.view()
        while not sending.done():
            view = await session.view()
            if view.inbox:
                await session.answer(view.inbox[0].id, "confirm", text="It was done.", by="Ann")
                break
            await asyncio.wait([sending], timeout=0.1)
        async with asyncio.timeout(WAIT):
            await sending
        return [each.what for each in view.inbox], [*DONE]


@pytest.mark.parametrize(
    ("second", "asked", "done"),
    [("A", 0, ["paid A"]), ("B", 1, ["paid A"])],
    ids=["the same", "another amount for the same message"],
)
async def test_a_payment_that_cannot_be_told_from_one_that_was_made_goes_to_a_person(
    start: Start, second: str, asked: int, done: list[str]
) -> None:
    waiting, made = await changed(start, "A", second)
    assert (len(waiting), made) == (asked, done)


async def test_the_same_payment_for_another_message_goes_to_a_person(start: Start) -> None:
    waiting, made = await changed(start, "A", "B", resend="pay B, in other words")
    assert len(waiting) == 1
    assert made == ["paid A", "paid B"]


async def test_a_reset_in_the_middle_of_a_turn_keeps_what_came_before_it(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start(
            "clerk", plan([("pay", "A")], [("mail", "B")], [("read", "C")])
        )
        await session.wait(raise_on_error=False)
        history = await events(it, session.id)
        paid = next(
            event.event_id
            for event in history
            if event.activity_task_scheduled_event_attributes.activity_type.name == "pay"
        )
        tasks = [event.event_id for event in history if event.event_type == COMPLETED]
        await reset(it, session.id, next(task for task in tasks if task > paid))
        again = it.holdfast.client.session(session.id)
        assert (await again.wait(1)).text == "All done."
        assert [done.split()[:2] for done in DONE] == [
            ["paid", "A"],
            ["mailed", "B"],
            ["read", "C"],
            ["read", "C"],
        ]
        assert (await texts(it, session.id))[-1] == "reply: All done."
        await replays(it, session.id)


async def test_a_reset_while_the_model_speaks_has_it_asked_again(start: Start) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def model(request: Request) -> Reply:
        if request.number == 2:
            asked.set()
            await go.wait()
        return say(f"Reply {request.number}.")

    async with start(model, APP) as it:
        session = await it.holdfast.client.start("clerk", "one")
        await session.wait(raise_on_error=False)
        sending = asyncio.create_task(session.send("two"))
        async with asyncio.timeout(WAIT):
            await asked.wait()
        await it.holdfast.temporal.get_workflow_handle(session.id).signal("watch", 5.0)

        async def seen() -> bool:
            kinds = [event.event_type for event in await events(it, session.id)]
            return SIGNALED in kinds and COMPLETED in kinds[kinds.index(SIGNALED) :]

        await eventually(seen)
        tasks = [each.event_id for each in await events(it, session.id) if each.event_type == COMPLETED]
        await reset(it, session.id, tasks[-1])
        go.set()
        again = it.holdfast.client.session(session.id)
        reply = await again.wait(2, raise_on_error=False)
        assert reply.status == "done"
        logged = await texts(it, session.id)
        assert logged[-1] == f"reply: {reply.text}"
        assert [text for text in logged if text.startswith("user")] == ["user: one", "user: two"]
        sending.cancel()
        await replays(it, session.id)


async def test_a_run_that_had_rolled_over_may_be_reset(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "one", continue_as_new_after=40)
        first = (await it.holdfast.temporal.get_workflow_handle(session.id).describe()).run_id
        await session.wait(raise_on_error=False)
        for number in range(2, 9):
            await session.send(f"old {number}")
        assert (await it.holdfast.temporal.get_workflow_handle(session.id).describe()).run_id != first
        history = await events(it, session.id, first)
        await reset(it, session.id, before_message(history, 2), run=first)
        again = it.holdfast.client.session(session.id)
        await followed(it, session.id, 1)
        assert (await again.send("new")).text == "You said: new"
        for number in range(8):
            assert (await again.send(f"new {number}")).text == f"You said: new {number}"
        logged = await texts(it, session.id)
        assert not [text for text in logged if "old" in text]
        assert not [m for m in json.loads(it.model.requests[-1].body)["messages"] if "old" in str(m)]


async def test_a_reset_of_a_reset_leaves_both_behind(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "one")
        await session.wait(raise_on_error=False)
        for number, word in enumerate(("first", "second", "third")):
            await followed(it, session.id, number)
            again = it.holdfast.client.session(session.id)
            assert (await again.send(word)).text == f"You said: {word}"
            history = await events(it, session.id)
            await reset(it, session.id, before_message(history, 2))
        await followed(it, session.id, 3)
        again = it.holdfast.client.session(session.id)
        assert (await again.send("last")).text == "You said: last"
        assert await texts(it, session.id) == [
            "user: one",
            "reply: You said: one",
            "user: last",
            "reply: You said: last",
        ]
        assert [(await texts(it, aside(session.id, n)))[-1] for n in (1, 2, 3)] == [
            f"reply: You said: {word}" for word in ("first", "second", "third")
        ]
        await replays(it, session.id)


async def test_messages_that_are_applied_again_keep_their_turns(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "one")
        await session.wait(raise_on_error=False)
        await session.send("two")
        await session.send("three")
        await reset(it, session.id, before_message(await events(it, session.id), 2), reapply=True)
        again = it.holdfast.client.session(session.id)
        assert [(await again.wait(n, raise_on_error=False)).text for n in (2, 3)] == [
            "You said: two",
            "You said: three",
        ]
        assert len(it.model.requests) == 5


async def test_erasing_a_session_erases_what_its_resets_left_behind(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "one")
        await session.wait(raise_on_error=False)
        await session.send("a secret")
        await reset(it, session.id, before_message(await events(it, session.id), 2))
        again = it.holdfast.client.session(session.id)
        await followed(it, session.id, 1)
        await again.send("two")
        await again.close()
        await again.result()
        assert await texts(it, aside(session.id, 1))
        await it.holdfast.client.memory.erase("session", session.id)
        assert await texts(it, aside(session.id, 1)) == []


def test_arguments_of_the_same_meaning_are_the_same() -> None:
    assert canonical('{"a": 1, "b": [2]}') == canonical(json.dumps({"b": [2], "a": 1}))
    assert canonical('{"a": 1}') != canonical('{"a": "1"}')
    assert canonical("not JSON") == "not JSON"
