"""A hold protects the memories of its tenant, its user or its sessions."""

import pytest

from holdfast_activities.memory import Record
from holdfast_activities.operations.retention.memories import held_memories
from holdfast_activities.state import State
from holdfast_workflows.contracts.operations.retention import AddHold, HoldKind

from ..state.retention.ended import ended


@pytest.mark.parametrize("kind", ["session", "user", "tenant"])
async def test_memories_of_what_is_held_are_held(state: State, session: str, kind: HoldKind) -> None:
    await ended(state, session, tenant=session, days=1, user="ann")
    subject = {"session": session, "user": "ann", "tenant": ""}[kind]
    await state.retention.holds.add(
        AddHold(id=f"h-{session}", kind=kind, subject=subject, tenant=session, reason="case 7")
    )
    held = await held_memories(state.retention.holds)
    records = [
        Record("m", "user:ann", "turn", "x", 1.0, session=session),
        Record("m", "user:ann", "fact", "x", 1.0),
        Record("m", f"session:{session}", "turn", "x", 1.0, session=session),
        Record("m", "user:bob", "fact", "x", 1.0),
    ]
    found = [held(session, each) for each in records]
    wanted = {"session": [True, False, True, False], "user": [True, True, True, False], "tenant": [True] * 4}
    assert found == wanted[kind]
    assert not any(held("other", each) for each in records)
