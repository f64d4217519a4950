"""How much code one message with one tool call passes."""

from __future__ import annotations

import pytest

from holdfast_temporal import DevServer

from ..house.lengths import ROOT
from .walk import PAGE, Walk, listed, measure

MAX_FILES = 150
"""A few more than the page lists: which background files run depends on the machine."""
MAX_FRAMES = 7


@pytest.fixture(scope="module")
def walk() -> dict[str, Walk]:
    """The recorded walk, measured by the first test that needs it."""
    return {}


async def recorded(walk: dict[str, Walk], server: DevServer) -> Walk:
    if not walk:
        walk["walk"] = await measure(server.address)
    return walk["walk"]


async def test_one_message_enters_few_files(walk: dict[str, Walk], server: DevServer) -> None:
    assert len((await recorded(walk, server)).files) <= MAX_FILES


async def test_few_frames_lie_between_think_and_the_model(walk: dict[str, Walk], server: DevServer) -> None:
    frames = (await recorded(walk, server)).frames
    assert frames[-1:] == ["CallGuard.send"], "the model is no longer called from there"
    assert len(frames) <= MAX_FRAMES


def test_the_page_lists_files_that_exist() -> None:
    files = listed(PAGE.read_text("utf-8"))
    missing = sorted(name for name in files if not (ROOT / name).is_file())
    assert len(files) > MAX_FILES // 2
    assert not missing, "run `python -m tests.workflows.walk --write`"
