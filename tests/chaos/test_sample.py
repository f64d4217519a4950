"""A small sample of ``make chaos``, without targets in seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .processes import Options
from .scenarios import faults, fleet, kills, team, tracing

SAMPLE = Options(seed=7, runs=20, workers=2, at_once=20, timed=False)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_runs_whose_workers_are_killed_lose_nothing_and_repeat_nothing() -> None:
    row = await kills.run(SAMPLE)
    assert row.missed == [], row.detail


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_each_call_of_killed_workers_has_one_span() -> None:
    row = await tracing.run(replace(SAMPLE, runs=8))
    assert row.missed == [], row.detail


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_research_teams_whose_workers_are_killed_complete_within_their_budgets() -> None:
    row = await team.run(replace(SAMPLE, runs=3))
    assert row.missed == [], row.detail


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_runs_whose_model_fails_end_as_documented() -> None:
    # With this seed few requests hang, each for a minute: only if a cut prompt has calls repeated.
    row = await faults.run(replace(SAMPLE, seed=74, workers=1))
    assert row.missed == [], row.detail
    assert row.counts["kinds"] >= 10


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_fleet_whose_workers_are_killed_does_every_item_once_and_counts_exactly() -> None:
    row = await fleet.run(replace(SAMPLE, runs=60))
    assert row.missed == [], row.detail
