"""Recall: what bears on a message stands in the log before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from holdfast_activities.memory import Change, FactDraft, TurnDraft
from holdfast_activities.memory.scopes import searched_scopes
from holdfast_activities.session.memory.recall import MAX_WAIT
from holdfast_activities.state import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import Memory, RecallResult, ScopeKind
from holdfast_workflows.contracts.session.entries import MemoryEntry

from .memory_worker import MemoryWorker, remembering

ASKED = "Which city does Ann live in?"


async def knows(
    worker: MemoryWorker, text: str, scope: str = "user:ann", *, id: str = "f", session: str = ""
) -> None:
    fact = FactDraft(id=id, scope=scope, text=text, at=1_700_000_000.0, session=session)
    await worker.memory.apply(Change(id=id, tenant=worker.tenant, facts=(fact,)))


async def entry(worker: MemoryWorker, seq: int = 500) -> MemoryEntry | None:
    found = await worker.state.log.read(worker.session, seq, seq + 1)
    return found[0] if found and isinstance(found[0], MemoryEntry) else None


async def test_found_memories_are_written_before_the_message(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        await knows(worker, "Ann lives in the city of Lisbon.")
        result = await worker.run(names.RECALL, await worker.recalling(ASKED))
        assert result == RecallResult(found=1)
        written = await entry(worker)
        assert written is not None
        (memory,) = written.memories
        assert (memory.id, memory.text, memory.trust) == ("f", "Ann lives in the city of Lisbon.", "user")
        assert memory.score >= 0.3
        assert "2023-11-14" in written.text
        assert written.text.count("\n") == 0


async def test_a_repeated_recall_returns_the_first_entry(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        await knows(worker, "Ann lives in the city of Lisbon.")
        request = await worker.recalling(ASKED)
        await worker.run(names.RECALL, request)
        first = await entry(worker)
        await knows(worker, "Ann lives in the city of Porto, too.", id="g")
        for attempt in (1, 2):
            assert await worker.run(names.RECALL, request, attempt=attempt) == RecallResult(found=1)
        assert await entry(worker) == first


async def test_nothing_relevant_leaves_no_entry(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        await knows(worker, "Ann lives in the city of Lisbon.")
        request = await worker.recalling("Multiply seven by eight.")
        assert await worker.run(names.RECALL, request) == RecallResult(found=0)
        assert await entry(worker) is None


async def test_facts_of_the_session_are_recalled_but_not_its_turns(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        turns = [
            TurnDraft(
                id=f"{session}:{n}", scope="user:ann", text=f"Ann: I live in the city of {city}.", at=1.0,
                session=session, place=n,
            )
            for n, (city, session) in enumerate((("Porto", worker.session), ("Faro", "another")))
        ]  # fmt: skip
        await worker.memory.apply(Change(id="c", tenant=worker.tenant, turns=tuple(turns)))
        await knows(worker, "Ann lives in the city of Lisbon.", session=worker.session)
        await worker.run(names.RECALL, await worker.recalling(ASKED))
        written = await entry(worker)
        assert written is not None
        assert {memory.id for memory in written.memories} == {"f", "another:1"}


async def test_only_the_agents_scopes_and_tenant_are_searched(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, memory=Memory(scopes=("user", "agent"))) as worker:
        for id, scope in (("a", "user:ann"), ("b", "user:bob"), ("c", "tenant"), ("d", "agent:clerk")):
            await knows(worker, f"Ann lives in the city of {id}.", scope, id=id)
        other = FactDraft(id="e", scope="user:ann", text="Ann lives in the city of e.", at=1.0)
        await worker.memory.apply(Change(id="e", tenant=f"{worker.tenant}-other", facts=(other,)))
        await worker.run(names.RECALL, await worker.recalling(ASKED))
        written = await entry(worker)
        assert written is not None
        assert {memory.id for memory in written.memories} == {"a", "d"}


@pytest.mark.parametrize("scopes", [("user",), ()])
async def test_an_agent_without_a_valid_scope_sees_no_memories(
    scopes: tuple[ScopeKind, ...], state: State, tmp_path: Path
) -> None:
    """No scope at all would be every scope of the tenant."""
    async with remembering(state, tmp_path, memory=Memory(scopes=("user",))) as worker:
        await knows(worker, "Ann lives in the city of Lisbon.", "user:ann")
        worker.user = ""
        assert await worker.run(names.RECALL, await worker.recalling(ASKED)) == RecallResult(found=0)
        looked = searched_scopes(Memory(scopes=scopes), session=worker.session, agent="clerk", user="")
        assert looked == (f"session:{worker.session}",)


async def test_no_more_than_the_agents_limit_are_recalled(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path, memory=Memory(limit=2)) as worker:
        for n in range(6):
            await knows(worker, f"Ann lives in the city of number {n}.", id=f"f{n}")
        assert await worker.run(names.RECALL, await worker.recalling(ASKED)) == RecallResult(found=2)


async def test_a_long_message_is_read_by_its_reference(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        await knows(worker, "Ann lives in the city of Lisbon.")
        ref = await state.store_text(worker.session, "m", ASKED)
        request = await worker.recalling("Which…", ref=ref)
        assert await worker.run(names.RECALL, request) == RecallResult(found=1)


async def test_an_unavailable_store_is_a_retryable_error(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        request = await worker.recalling(ASKED)
        worker.memory.down = True
        with pytest.raises(ApplicationError) as raised:
            await worker.run(names.RECALL, request)
        assert raised.value.type == "memory_unavailable"
        assert not raised.value.non_retryable


async def test_a_hanging_store_is_not_tried_again(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        request = await worker.recalling(ASKED)
        worker.memory.down = True
        with pytest.raises(ApplicationError) as raised:
            await worker.run(names.RECALL, request, attempt=2, waited=MAX_WAIT)
        assert raised.value.non_retryable


async def test_recall_does_not_wait_for_an_open_breaker(state: State, tmp_path: Path) -> None:
    async with remembering(state, tmp_path) as worker:
        request = await worker.recalling(ASKED)
        worker.memory.down = True
        worker.memory.retry_after = 60.0
        with pytest.raises(ApplicationError) as raised:
            await worker.run(names.RECALL, request)
        assert raised.value.non_retryable


async def test_a_team_shares_what_its_sessions_remember_and_no_other_team_recalls_it(
    state: State, tmp_path: Path
) -> None:
    team = Memory(scopes=("team",), keep="team", facts=False)
    async with remembering(state, tmp_path, memory=team) as worker:
        root = worker.session
        turn = await worker.turn(1, "Ann lives in the city of Lisbon.", "Noted.")
        await worker.run(names.REMEMBER_TURN, turn)
        for n, (above, expected) in enumerate([(root, 2), ("another", 0), ("", 0)]):
            request = await worker.recalling(ASKED)
            child = request.model_copy(update={"session": f"{root}-{n}", "root": above})
            assert await worker.run(names.RECALL, child) == RecallResult(found=expected)
