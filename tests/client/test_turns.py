"""Lists of sessions and turns."""

from __future__ import annotations

import re

import pytest

from holdfast.testing import call, say, unauthorized
from holdfast_client import messages
from holdfast_temporal import binding
from holdfast_workflows.contracts.errors import ModelRejected
from holdfast_workflows.contracts.operations.binding import Binding

from ..support import eventually
from .command.test_command import holdfast
from .conftest import Running


async def test_turns_report_how_each_of_them_ended(running: Running) -> None:
    script = [call("look", {"at": "it"}), say("Seen."), unauthorized(), call("dig")]
    async with running(script) as environment:
        session = await environment.client.start("helper", "Look.")
        await session.wait()
        with pytest.raises(ModelRejected) as failed:
            await session.send("Fail.")
        await session.send("Dig.", wait=False)

        async def digs() -> bool:
            return "dig" in (await session.view()).active

        await eventually(digs)
        (done, broken, running_turn) = [turn async for turn in session.turns()]
        assert (done.turn, done.status, done.steps, done.request) == (1, "done", 2, "Look.")
        assert done.ended > done.started > 0
        assert done.usage.input_tokens > 0
        assert broken.error is not None
        assert (broken.status, broken.error.id) == ("failed", failed.value.id)
        assert (running_turn.status, running_turn.ended) == ("running", 0.0)
        code, _, _ = await holdfast(environment, "cancel", session.id, "--reason", "too deep", "--by", "ann")
        assert code == 0
        _, out, _ = await holdfast(environment, "show", session.id)
        for expected in (
            r"^turn 1 done · [\d:]+ · [\d.]+ s · 2 steps · [\d,]+ in, [\d,]+ out, \$[\d.]+$",
            r'^    → look\(at="it"\)$',
            r"^    ← look[^:]*: it: seen$",
            r"^turn 2 failed · ",
            rf"^  The model provider refused the request; check the API key.* · error {broken.error.id}$",
            r"^turn 3 cancelled · ",
            r"^  cancelled by ann: too deep$",
        ):
            assert re.search(expected, out, re.MULTILINE), expected


async def test_a_list_has_app_and_first_message_and_ids_begin_with_the_agent(running: Running) -> None:
    async with running([say("Hello.")]) as environment:
        user = f"ann-{environment.task_queue}"
        await binding.bind(environment.temporal, environment.task_queue, Binding(app="shop"))

        async def is_bound() -> bool:
            return environment.task_queue in await binding.bound(environment.temporal)

        await eventually(is_bound)
        session = await environment.client.start("helper", "Where is\norder 42?" + " please" * 100, user=user)
        await session.wait()
        assert re.fullmatch(r"helper-[a-z2-7]{20}", session.id)
        bare = await environment.client.start("helper", user=user)

        async def listed() -> bool:
            found = [info async for info in environment.client.sessions(user=user)]
            return {info.id for info in found} == {session.id, bare.id}

        await eventually(listed)
        found = {info.id: info async for info in environment.client.sessions(user=user)}
        assert found[session.id].app == "shop"
        assert found[session.id].message.startswith("Where is order 42? please")
        assert len(found[session.id].message) == 120
        assert found[bare.id].message == ""


async def test_show_reports_a_session_that_was_terminated(running: Running) -> None:
    async with running([call("dig")]) as environment:
        session = await environment.client.start("helper", "Dig.")
        await environment.temporal.get_workflow_handle(session.id).terminate()
        code, out, _ = await holdfast(environment, "show", session.id)
        assert (code, out.splitlines()[0]) == (0, f"{session.id} · helper · cancelled")


def test_a_session_id_needs_no_quotes_whatever_the_agents_name() -> None:
    ids = {messages.session_id("my agent/ü" + "x" * 200) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"my-agent-x+-[a-z2-7]{20}", id) and len(id) < 90 for id in ids)
