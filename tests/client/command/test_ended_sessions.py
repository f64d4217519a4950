"""Sessions that ended from outside, as the command line shows them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.testing import call
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import StartInput

from ...support import eventually
from ..conftest import Running
from .test_command import holdfast, process


async def test_a_terminated_session_shows_why_and_no_running_turn(running: Running) -> None:
    async with running([call("post", {"what": "it"})]) as environment:
        session = await environment.client.start("poster", "Post it.")

        async def asks() -> bool:
            return bool((await session.view()).inbox)

        await eventually(asks)
        await environment.temporal.get_workflow_handle(session.id).terminate(reason="by mistake")
        _, shown, _ = await holdfast(environment, "show", session.id)
        _, traced, _ = await holdfast(environment, "trace", session.id)
    assert "poster · cancelled" in shown
    assert "waits for a person" not in shown + traced
    assert "by mistake" in shown
    assert "turn 1 cancelled" in shown
    assert "turn 1 · cancelled" in traced
    assert "! the session was terminated: by mistake, by " in traced
    assert "still" not in traced


@pytest.mark.parametrize("agent", ["nobody", "helper"])
async def test_a_session_without_a_turn_shows_why_it_failed(running: Running, agent: str) -> None:
    limit = timedelta(seconds=1) if agent == "helper" else None
    expected = "timed out" if limit else "asked for 'nobody'"
    async with running([]) as environment:
        handle = await environment.temporal.start_workflow(
            names.WORKFLOW,
            StartInput(agent=agent),
            id=f"s-{environment.task_queue}",
            task_queue=environment.task_queue,
            execution_timeout=limit,
        )

        async def ended() -> bool:
            return (await handle.describe()).close_time is not None

        await eventually(ended)
        _, traced, _ = await holdfast(environment, "trace", handle.id)
        assert "! the session failed: " in traced
        assert expected in traced
        _, shown, _ = await holdfast(environment, "show", handle.id)
        assert expected in shown


async def test_a_session_that_the_server_lacks_cannot_be_replayed(running: Running) -> None:
    async with running([], worker=False) as environment:
        _, _, err = await process(environment, "replay", "no-such")
    assert err.startswith("holdfast: No session has that id")
