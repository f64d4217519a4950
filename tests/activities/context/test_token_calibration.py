"""Estimates are corrected by what providers report, and what was learnt outlives the worker."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from holdfast_activities.context import TokenCalibration
from holdfast_activities.context.token_calibration import LEAST, MOST, UNKNOWN
from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.errors import StateUnavailable


@pytest.fixture
def model() -> str:
    """A model that no other test knows: on PostgreSQL what one learns is there for the next."""
    return f"openai:{uuid.uuid4().hex}"


@pytest.fixture
async def ratios(state: State) -> AsyncIterator[TokenCalibration]:
    ratios = TokenCalibration(state.calibration)
    yield ratios
    await ratios.close()


async def test_before_the_first_report_a_token_is_three_bytes(ratios: TokenCalibration, model: str) -> None:
    await ratios.load()
    assert ratios.of(model) == UNKNOWN


async def test_reported_counts_are_learned_and_loaded_by_the_next_worker(
    state: State, ratios: TokenCalibration, model: str
) -> None:
    random = Random(7)
    for _ in range(30):
        ratios.learn(model, 4_000, int(4_000 * random.uniform(0.85, 0.95)))
    assert ratios.of(model) == pytest.approx(0.9, abs=0.05)
    await ratios.close()
    later = TokenCalibration(state.calibration)
    await later.load()
    assert later.of(model) == pytest.approx(0.9, abs=0.06)
    assert later.of(f"{model}-other") == UNKNOWN


async def test_a_short_prompt_has_little_weight(ratios: TokenCalibration, model: str) -> None:
    for _ in range(10):
        ratios.learn(model, 4_000, 4_000)
    ratios.learn(model, 10, 400)
    assert ratios.of(model) < 1.05


async def test_nothing_is_learned_without_a_count(ratios: TokenCalibration, model: str) -> None:
    ratios.learn(model, 4_000, 0)
    ratios.learn(model, 0, 4_000)
    assert ratios.of(model) == UNKNOWN


async def test_ratios_stay_within_bounds(ratios: TokenCalibration, model: str) -> None:
    for _ in range(30):
        ratios.learn(model, 4_000, 4_000_000)
    assert MOST - 0.01 < ratios.of(model) <= MOST
    for _ in range(30):
        ratios.learn(model, 4_000, 1)
    assert ratios.of(model) == pytest.approx(LEAST)


async def test_a_ratio_that_stays_is_not_written_again(
    state: State, ratios: TokenCalibration, model: str
) -> None:
    await state.calibration.save(model, 1.0)
    await ratios.load()
    for _ in range(200):
        ratios.learn(model, 4_000, 4_100)
    assert ratios.of(model) > 1.02
    ratios.learn(f"{model}-other", 4_000, 8_000)
    await ratios.close()
    kept = await state.calibration.load()
    assert kept[model] == 1.0
    assert kept[f"{model}-other"] == pytest.approx(1.67, abs=0.01)


async def test_an_unavailable_state_database_is_ignored(tmp_path: Path, model: str) -> None:
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    await state.close()
    (tmp_path / "state.db").unlink()
    with pytest.raises(StateUnavailable):
        await state.calibration.load()
    ratios = TokenCalibration(state.calibration)
    await ratios.load()
    ratios.learn(model, 4_000, 2_000)
    assert ratios.of(model) < UNKNOWN
    await ratios.close()
    await state.close()
