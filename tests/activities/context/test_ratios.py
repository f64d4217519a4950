"""Estimates are corrected by what providers report, and what was learnt outlives the worker."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from holdfast_activities.context import Ratios
from holdfast_activities.context.ratios import LEAST, MOST, UNKNOWN
from holdfast_activities.state import State
from holdfast_workflows.contracts.errors import StateUnavailable

MODEL = "openai:scripted"


async def kept(state: State, ratio: float) -> None:
    async with asyncio.timeout(10):
        while abs((await state.shared.ratios.load()).get(MODEL, 0.0) - ratio) > 0.05:  # noqa: ASYNC110 - it is saved beside the step
            await asyncio.sleep(0.01)


async def test_before_the_first_report_a_token_is_three_bytes(state: State) -> None:
    ratios = Ratios(state.shared.ratios)
    await ratios.load()
    assert ratios.of(MODEL) == UNKNOWN


async def test_what_a_provider_reports_is_learnt_and_found_by_the_next_worker(state: State) -> None:
    ratios, random = Ratios(state.shared.ratios), Random(7)
    for _ in range(30):
        ratios.learn(MODEL, 4_000, int(4_000 * random.uniform(0.85, 0.95)))
    assert ratios.of(MODEL) == pytest.approx(0.9, abs=0.05)
    await kept(state, 0.9)
    later = Ratios(state.shared.ratios)
    await later.load()
    assert later.of(MODEL) == pytest.approx(0.9, abs=0.06)
    assert later.of("openai:other") == UNKNOWN


async def test_a_short_prompt_says_little_since_providers_add_their_own(state: State) -> None:
    ratios = Ratios(state.shared.ratios)
    for _ in range(10):
        ratios.learn(MODEL, 4_000, 4_000)
    ratios.learn(MODEL, 10, 400)
    assert ratios.of(MODEL) < 1.05


async def test_nothing_is_learnt_where_nothing_was_counted(state: State) -> None:
    ratios = Ratios(state.shared.ratios)
    ratios.learn(MODEL, 4_000, 0)
    ratios.learn(MODEL, 0, 4_000)
    assert ratios.of(MODEL) == UNKNOWN


async def test_a_provider_that_counts_nonsense_moves_it_no_further_than_the_bounds(state: State) -> None:
    ratios = Ratios(state.shared.ratios)
    for _ in range(30):
        ratios.learn(MODEL, 4_000, 4_000_000)
    assert MOST - 0.01 < ratios.of(MODEL) <= MOST
    for _ in range(30):
        ratios.learn(MODEL, 4_000, 1)
    assert ratios.of(MODEL) == pytest.approx(LEAST)


async def test_a_ratio_that_stays_is_written_seldom(state: State) -> None:
    written = list[float]()

    class Counting:
        async def load(self) -> dict[str, float]:
            return {MODEL: 1.0}

        async def save(self, model: str, ratio: float) -> None:
            written.append(ratio)

    ratios = Ratios(Counting())
    await ratios.load()
    for _ in range(200):
        ratios.learn(MODEL, 4_000, 4_010)
    await asyncio.sleep(0)
    assert written == []
    for _ in range(200):
        ratios.learn(MODEL, 4_000, 8_000)
    await asyncio.sleep(0)
    assert written == [pytest.approx(2.0, abs=0.01)]


async def test_a_state_database_that_is_away_is_done_without() -> None:
    class Away:
        async def load(self) -> dict[str, float]:
            raise StateUnavailable("away")

        async def save(self, model: str, ratio: float) -> None:
            raise StateUnavailable("away")

    ratios = Ratios(Away())
    await ratios.load()
    ratios.learn(MODEL, 4_000, 2_000)
    await asyncio.sleep(0)
    assert ratios.of(MODEL) < UNKNOWN
