"""Inline steps run in one activity: after SIGKILL no settled step is repeated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.session.session import TaskResult

from .conftest import Make
from .sweep import Position, sweep
from .world import World

_STEPS = 12  # one activity of eight steps and a part of the next


def script(request: Request) -> Reply:
    return call("peek", {"at": request.results + 1}) if request.results < _STEPS - 1 else say("Read.")


def judge(world: World, id: str, result: TaskResult) -> Iterator[str]:
    """List what a run did not do as promised."""
    if result.last is None or (result.last.status, result.last.reply) != ("done", "Read."):
        yield f"ended with {result.last}"
    elif result.last.steps != _STEPS:
        yield f"counted {result.last.steps} steps"
    texts = [row["text"] for row in world.log(id) if row["kind"] == "result"]
    if texts != [f"page {n}" for n in range(1, _STEPS)]:
        yield f"the log has {texts}"


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_sigkill_during_inline_steps_repeats_no_settled_step(world: Make) -> None:
    # The rows are the message, then a reply and a result for each step.
    places = [
        *(Position("row", n) for n in (2, 3, 8, 13, 17, 20)),
        Position("request", 5),
        Position("request", 10),
    ]
    async with world(script) as there:
        fates = await sweep(there, "reader", places, judge)
    assert [fate for fate in fates if fate.complaints] == []
