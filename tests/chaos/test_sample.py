"""A small sample of the chaos for every change; ``make chaos`` has the whole. Nothing is timed here."""

from __future__ import annotations

import pytest

from .processes import Options
from .scenarios import kills

SAMPLE = Options(seed=7, runs=20, workers=2, at_once=20, silence=2.0, timed=False)


@pytest.mark.timeout(120)
async def test_runs_whose_workers_are_killed_lose_nothing_and_repeat_nothing() -> None:
    row = await kills.run(SAMPLE)
    assert row.missed == [], row.detail
    assert row.counts["kills"] > 0
