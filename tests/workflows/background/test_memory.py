"""Memory in the life of a session: recall before a turn, remembering after it, and both out of its way."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowHandle

from holdfast_client import Session
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import RecallInput, RecallResult, RememberInput
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.session.steps import SettleInput, ThinkInput
from holdfast_workflows.session.background import remember

from ...support import eventually
from ..played import SPENT, Played, Think, calls, fails, playing, says


async def details(temporal: TemporalClient, session: Session) -> str:
    """What the Temporal UI shows of it."""
    handle: WorkflowHandle[object, object] = temporal.get_workflow_handle(session.id)
    found: WorkflowMetadata = await handle.query("__temporal_workflow_metadata")
    return found.current_details


AWAY = errors.MemoryUnavailable("nobody listens at weaviate:8080")


async def all_remembered(played: Played, turns: int) -> None:
    async def done() -> bool:
        return len(played.of(RememberInput)) == turns

    await eventually(done)


async def test_memories_stand_in_the_log_before_the_message_they_are_for(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played()
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Where did I move?", tenant="acme", user="ann")
        await session.wait(raise_on_error=False)
    (recall,), (think,) = played.of(RecallInput), played.of(ThinkInput)
    assert (recall.tenant, recall.user, recall.text, recall.turn) == ("acme", "ann", "Where did I move?", 1)
    (message,) = think.new
    assert recall.seq < message.seq < think.seq
    assert (think.user, message.text) == ("ann", "Where did I move?")


@pytest.mark.parametrize(("found", "said"), [(0, "nothing was recalled"), (1, "1 memory recalled")])
async def test_a_session_says_what_it_recalled(
    client: TemporalClient, task_queue: str, found: int, said: str
) -> None:
    played = Played(recall=lambda _: RecallResult(found=found))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await session.wait(raise_on_error=False)
        view = await session.view(0)
    assert view.memory == said
    assert [event.size for event in view.events if event.kind == "recalled"] == [found]


async def test_every_turn_answers_while_memory_is_away_and_says_so(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(recall=fails(AWAY), remember=fails(AWAY))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "One.")
        for turn in (1, 2):
            assert (await session.wait(turn)).status == "done"
            if turn < 2:
                await session.send("And more.")
        view = await session.view(0)
        page = await details(client, session)
    assert "- memory: memory is unavailable: answered without it" in page
    assert view.memory == "memory is unavailable: answered without it"
    told = [event.text for event in view.events if event.kind == "recalled"]
    assert len(told) == 2
    assert all("nobody listens" in text for text in told)


async def test_a_turn_is_remembered_once_after_it_was_written(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played([calls("look"), says("Seen.")])
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.", user="ann")
        await session.wait(raise_on_error=False)
        await session.send("Again.")
        await all_remembered(played, 2)
        view = await session.view()
    first, second = played.of(RememberInput)
    assert (first.turn, first.user, second.turn) == (1, "ann", 2)
    assert first.start == played.of(RecallInput)[0].seq
    assert first.stop == second.start == played.of(RecallInput)[1].seq
    kinds: list[type[object]] = [type(each) for each in played.asked]
    assert kinds.index(SettleInput) < kinds.index(RememberInput)
    assert view.turn == 2


async def test_what_remembering_used_is_the_sessions(client: TemporalClient, task_queue: str) -> None:
    played = Played()
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await session.wait(raise_on_error=False)

        async def charged() -> bool:
            return (await session.view()).usage == SPENT

        await eventually(charged)


async def test_what_a_turn_uses_is_counted_while_another_is_being_remembered(
    client: TemporalClient, task_queue: str
) -> None:
    gate = asyncio.Event()
    played = Played([says("One.", usage=SPENT), says("Two.", usage=SPENT)], gates={names.REMEMBER_TURN: gate})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await session.wait(raise_on_error=False)
        await played.reached(names.REMEMBER_TURN)
        await session.send("Next.")
        gate.set()
        await all_remembered(played, 2)

        async def counted() -> bool:
            return (await session.view()).usage == SPENT + SPENT + SPENT + SPENT

        await eventually(counted)


async def test_nobody_waits_while_a_turn_is_being_remembered(client: TemporalClient, task_queue: str) -> None:
    played = Played(gates={names.REMEMBER_TURN: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        assert (await session.wait()).status == "done"
        await played.reached(names.REMEMBER_TURN)
        assert (await session.send("Next.")).text == "Done."
        played.gates[names.REMEMBER_TURN].set()
        await all_remembered(played, 2)


async def test_a_task_is_answered_before_it_is_remembered_and_ends_after_it(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(gates={names.REMEMBER_TURN: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        assert await holdfast.run("a", "Hello.", id=f"t-{task_queue}") == "Done."
        await played.reached(names.REMEMBER_TURN)
        played.gates[names.REMEMBER_TURN].set()
        result = await client.get_workflow_handle(f"t-{task_queue}").result()
        assert result["usage"]["input_tokens"] == SPENT.input_tokens


@pytest.mark.parametrize("thinks", [[], [calls("look")]], ids=["none", "one"])
async def test_the_users_words_are_kept_of_a_turn_that_failed_after_some_steps(
    client: TemporalClient, task_queue: str, thinks: list[Think]
) -> None:
    played = Played([*thinks, fails(errors.ModelRejected("no"))])
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        assert (await session.wait(raise_on_error=False)).status == "failed"
        await session.close()
        await client.get_workflow_handle(session.id).result()
    assert len(played.of(RememberInput)) == len(thinks)


async def test_a_roll_over_carries_what_is_not_remembered_yet(
    client: TemporalClient, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remember, "CONTINUE_WAIT", 0.1)
    played = Played(
        [calls("look"), calls("look"), calls("look"), calls("look"), says("Seen.")],
        gates={names.REMEMBER_TURN: asyncio.Event()},
    )
    played.thinks.insert(0, says("Hello."))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.", continue_as_new_after=40)
        await session.wait(raise_on_error=False)
        first = (await client.get_workflow_handle(session.id).describe()).run_id
        await session.send("Look often.")

        async def rolled() -> bool:
            return (await client.get_workflow_handle(session.id).describe()).run_id != first

        await session.send("And again.")
        await eventually(rolled)
        played.gates[names.REMEMBER_TURN].set()

        async def all_begun() -> bool:
            return {each.turn for each in played.of(RememberInput)} == {1, 2, 3}

        await eventually(all_begun)  # some in more than one run: what becomes of a turn is decided once


async def test_a_turn_that_is_cancelled_while_it_recalls_ends_so(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(gates={names.RECALL: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await played.reached(names.RECALL)
        assert (await session.cancel("enough")).status == "cancelled"
        played.gates[names.RECALL].set()
        assert (await session.send("Go on.")).text == "Done."
    assert len(played.of(ThinkInput)) == 1


async def test_a_paused_session_that_recalled_asks_nobody_until_it_is_resumed(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(gates={names.RECALL: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await played.reached(names.RECALL)
        await session.pause()
        played.gates[names.RECALL].set()

        async def recalled() -> bool:
            return (await session.view()).memory == "3 memories recalled"

        await eventually(recalled)
        assert played.of(ThinkInput) == []
        await session.resume()
        assert (await session.wait()).text == "Done."
    assert len(played.of(RecallInput)) == 1


async def test_an_agent_without_memory_recalls_and_remembers_nothing(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(spec=PinnedSpec(agent="a", digest="d"))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Hello.")
        await session.wait(raise_on_error=False)
        await session.close()
        await session.result()
    assert played.of(RecallInput) == played.of(RememberInput) == []
