"""What operators do is recorded also if the worker is killed half way; what does not answer is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from holdfast_activities.operations.monitor.observe import Observe
from holdfast_activities.operations.retention.requests import RetentionRequests
from holdfast_activities.state import State, open_state
from holdfast_activities.state.retention.holds import HoldStore
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.operations.monitor import ObserveInput
from holdfast_workflows.contracts.operations.retention import AddHold, Hold, RemoveHold


class Killed(BaseException):
    """The worker ends here."""


async def test_the_removal_of_a_hold_is_recorded_although_the_worker_is_killed_after_it(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await state.retention.holds.add(AddHold(id=session, kind="tenant", tenant=session, reason="a case"))
    remove = HoldStore.remove

    async def killed(store: HoldStore, id: str, tenant: str | None = None) -> Hold:
        await remove(store, id, tenant)
        raise Killed

    monkeypatch.setattr(HoldStore, "remove", killed)
    request = RemoveHold(id=session, reason="it is over", by="ann")
    with pytest.raises(Killed):
        await ActivityEnvironment().run(RetentionRequests(state).remove_hold, request)
    assert await state.retention.holds.list(session) == []
    [record] = await state.audit.rows(session)
    assert '"hold_removed"' in record.body


async def test_the_monitor_observes_workers_although_the_database_is_gone(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "state.db"
    state = await open_state(f"sqlite:///{file}")
    try:
        file.rename(tmp_path / "away.db")
        observe = Observe(Registry({}, {}), state, None).observe
        seen = await ActivityEnvironment(client=client).run(observe, ObserveInput())
    finally:
        await state.close()
    assert set(seen.errors) == {"state", "costs", "prompts"}
    assert seen.prompts == ()
