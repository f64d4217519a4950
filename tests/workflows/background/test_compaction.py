"""Compaction beside the turn: when it begins, who waits for it, and that it never fails anything."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client as TemporalClient

from holdfast_client import Session
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import CompactInput, CompactResult
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.session.session import Event
from holdfast_workflows.contracts.session.steps import ThinkInput
from holdfast_workflows.session.background import compact

from ...support import eventually
from ..played import SPENT, Played, Think, calls, fails, playing

_PLAIN = PinnedSpec(agent="a", digest="d")


def looks(*contexts: int) -> list[Think]:
    """Steps that look at something, with prompts so full."""
    return [calls("look", context=context) for context in contexts]


async def compacted(session: Session) -> list[Event]:
    return [event for event in (await session.view(0)).events if event.kind == "compacted"]


async def test_a_prompt_that_fills_has_the_older_part_summed_up_beside_the_turn(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(looks(0, 0, 0, 60, 80), spec=_PLAIN, gates={names.COMPACT: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        assert (await session.wait()).text == "Done."  # the turn has not waited
        played.gates[names.COMPACT].set()

        async def told() -> bool:
            return bool(await compacted(session))

        await eventually(told)
        await session.send("And now?")
        view = await session.view()
    (compact,) = played.of(CompactInput)
    thinks = played.of(ThinkInput)
    full = thinks[4]
    assert (compact.upto, compact.step, compact.before) == (full.seq, 5, 0)
    assert full.seq + 1 < compact.seq < thinks[5].seq
    assert [think.summary for think in thinks] == [0] * 6 + [compact.seq]
    assert view.usage == SPENT


async def test_the_next_compaction_waits_until_there_is_something_new(
    client: TemporalClient, task_queue: str
) -> None:
    # So full that each step waits for a compaction that runs: how fast it is makes no difference.
    played = Played(looks(*[120] * 12), spec=_PLAIN)
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        await session.wait(raise_on_error=False)
    asked = played.of(CompactInput)
    assert len(asked) > 1
    assert all(later.upto - earlier.seq >= 8 for earlier, later in pairwise(asked))
    assert asked[1].before == asked[0].seq


async def test_a_prompt_that_did_not_fit_waits_for_the_compaction_that_runs(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(looks(0, 0, 0, 0, 120), spec=_PLAIN, gates={names.COMPACT: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        await played.reached(names.COMPACT)

        async def looked() -> bool:
            view = await session.view(0)
            return sum(event.kind == "call_ended" for event in view.events) == 5

        await eventually(looked)
        assert len(played.of(ThinkInput)) == 5
        played.gates[names.COMPACT].set()
        await session.wait(raise_on_error=False)
    assert played.of(ThinkInput)[-1].summary == played.of(CompactInput)[0].seq


async def test_a_compaction_that_takes_too_long_is_waited_for_once(
    client: TemporalClient, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact, "_MAX_WAIT", 0.5)
    steps = [*looks(0, 0, 0, 0), *looks(*[120] * 6)]
    played = Played(steps, spec=_PLAIN, gates={names.COMPACT: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        assert (await session.wait()).status == "done"
        history = client.get_workflow_handle(session.id).fetch_history_events()
        timers = [
            each.user_metadata.summary.data.decode()
            async for each in history
            if each.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        ]
        played.gates[names.COMPACT].set()
    assert len([summary for summary in timers if "summary of what" in summary]) == 1


async def test_a_turn_that_waits_for_a_compaction_can_be_cancelled(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(looks(0, 0, 0, 0, 120), spec=_PLAIN, gates={names.COMPACT: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        await played.reached(names.COMPACT)
        assert (await session.cancel("enough")).status == "cancelled"
        played.gates[names.COMPACT].set()


async def test_a_compaction_that_fails_is_told_and_nothing_else(
    client: TemporalClient, task_queue: str
) -> None:
    played = Played(looks(0, 0, 0, 0, 120), spec=_PLAIN, compact=fails(errors.ModelRejected("no such model")))
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        assert (await session.wait()).status == "done"
        (event,) = await compacted(session)
    assert event.status == "failed"
    assert "no such model" in event.text
    assert played.of(ThinkInput)[-1].summary == 0


async def test_nothing_worth_summing_up_changes_nothing(client: TemporalClient, task_queue: str) -> None:
    played = Played(looks(0, 0, 0, 0, 120), spec=_PLAIN, compact=lambda _: CompactResult())
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        await session.wait(raise_on_error=False)
        assert await compacted(session) == []
    assert played.of(ThinkInput)[-1].summary == 0


async def test_a_summary_goes_over_a_roll_over_and_a_compaction_that_runs_does_not(
    client: TemporalClient, task_queue: str
) -> None:
    # The first compaction is waited for, the second is not.
    played = Played(looks(*[120] * 6, *[90] * 6), spec=_PLAIN)
    gates = played.gates

    def first_then_never(request: CompactInput) -> CompactResult:
        gates.setdefault(names.COMPACT, asyncio.Event())
        return CompactResult(start=1, to=request.upto - 2, before=9, after=1, how="extract")

    played.compact = first_then_never
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.", continue_as_new_after=60)
        assert (await session.wait()).status == "done"

        async def another() -> bool:
            return len(played.of(CompactInput)) > 1

        await eventually(another)
        gates[names.COMPACT].set()
    first, *rest = played.of(CompactInput)
    assert rest
    assert all(each.before == first.seq for each in rest)
    assert played.of(ThinkInput)[-1].summary == first.seq
