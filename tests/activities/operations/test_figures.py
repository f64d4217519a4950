from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from holdfast_activities.operations.figures import costs, reading
from holdfast_activities.state import State, open_state, upgrade
from holdfast_activities.state.backup.folder import note_drill, path_of
from holdfast_activities.state.log.extras import Amount, Charge, CostOwner, Limit, LogExtras, ModelCost
from holdfast_workflows.contracts import names
from tests.postgres_server import PostgresServer

DAY = "2026-01-31"


@pytest.fixture(params=["sqlite", "postgres"])
async def state(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> AsyncIterator[State]:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if request.param == "postgres":
        url = await postgres_server.create("figures")
        await upgrade(url)
    opened = await open_state(url)
    yield opened
    await opened.close()


async def charge(state: State, account: str, tokens: int, limit: Limit) -> None:
    """Charge tokens to an account."""
    given = Charge("holder", {account: limit}, Amount(tokens, 0), Amount(), 0.0)
    await state.log.settle_with("holder", [], LogExtras(charge=given))


async def test_the_highest_share_is_that_of_open_runs_and_of_the_days_tenants(state: State) -> None:
    assert await state.figures.budgets_used(DAY) == {}
    await state.open_session("open", "a", "d", "", status="idle")
    await state.open_session("over", "a", "d", "", status="closed")
    limit = Limit(tokens=100, micros=None)
    await charge(state, names.run_account("open"), 30, limit)
    await charge(state, names.run_account("over"), 100, limit)
    await charge(state, names.tenant_account("acme", DAY), 80, limit)
    await charge(state, names.tenant_account("acme", "2026-01-30"), 95, limit)
    assert await state.figures.budgets_used(DAY) == {"run": 0.3, "tenant": 0.8}


async def test_counts_and_the_size_are_those_of_the_database(state: State) -> None:
    counts = await state.figures.unknown_effects(), await state.figures.outbox_changes()
    assert counts == (0, 0)
    assert await state.figures.bytes() > 10_000


async def test_the_newest_backup_is_that_of_the_database(state: State, tmp_path: Path) -> None:
    own = state.identity.id
    for database, at in ((own, 1_000.0), (own, 2_000.0), ("f" * 32, 3_000.0)):
        path_of(tmp_path, database, at).touch()
    path_of(tmp_path, own, 4_000.0, whole=False).touch()  # without the memories
    note_drill(tmp_path, "f" * 32)
    assert backup_times(state, tmp_path) == (2_000.0, 0.0)
    note_drill(tmp_path, own)
    assert backup_times(state, tmp_path)[1] > 1_000.0


async def test_without_a_backup_or_a_drill_their_times_are_0(state: State, tmp_path: Path) -> None:
    assert backup_times(state, tmp_path / "nowhere") == (0.0, 0.0)


def backup_times(state: State, folder: Path) -> tuple[float, float]:
    """The times of the last backup and the last drill."""
    found = {each.name: each.value for each in reading.last_backup(state, folder)}
    name = "holdfast_backup_{}success_timestamp_seconds"
    return found[name.format("")], found[name.format("drill_")]


async def test_the_cost_of_the_day_is_that_of_all_apps_by_agent(state: State) -> None:
    for app, agent, micros in (("", "a", 3), ("", "a", 4), ("other", "b", 5)):
        owner, cost = CostOwner(f"s-{agent}", agent, app=app), ModelCost("m", micros=micros)
        await state.budgets.charge(Charge(owner.session, {}, owner=owner, costs=(cost,)))
    found = await costs.read(state)
    today = [
        (each.labels["agent"], each.value) for each in found if each.name == "holdfast_cost_today_dollars"
    ]
    assert today in ([("a", 0.000007), ("b", 0.000005)], [])  # nothing at midnight
    [forecast] = [each.value for each in found if each.name == "holdfast_cost_forecast_dollars"]
    assert forecast >= 0.000012
