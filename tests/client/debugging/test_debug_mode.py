"""Debug mode of one session: what it records, who sees it, and that it ends."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import Interceptor, OutboundInterceptor

from holdfast import BadInput, DebugRecord, NothingToDo, Session, connect, open_bundle
from holdfast.testing import Environment, call, say
from holdfast_workflows.contracts.session.trace_ids import TraceHeader

from ..command.test_command import holdfast, lines
from ..conftest import Running


async def _recorded(session: Session) -> list[DebugRecord]:
    return [record async for record in session.debug_records()]


async def _debugged(environment: Environment) -> Session:
    """A session that was in debug mode during its second turn."""
    session = await environment.client.start("helper", "Hello.")
    await session.wait()
    await session.debug(by="ann")
    await session.send("Look.")
    return session


async def test_debug_mode_records_prompts_calls_headers_and_phases(running: Running) -> None:
    async with running([say("Hi."), call("look", {"at": "it"}), say("Seen.")]) as environment:
        session = await _debugged(environment)
        found = await _recorded(session)
    assert [(each.activity, each.turn, each.step) for each in found] == [
        ("think", 2, 1),
        ("look", 2, 1),
        ("think", 2, 2),
    ]
    first, tool, _ = found
    kinds = {each["kind"]: each for each in first.details}
    assert "Look." in str(kinds["prompt"]["messages"])
    assert kinds["reply"]["calls"][0]["arguments"] == '{"at": "it"}'
    assert kinds["http"]["status"] == 200
    assert kinds["http"]["sent"]["content-type"] == "application/json"
    assert {"agent", "conversation", "prompt", "model call", "log write"} <= {
        name for name, _ in first.phases
    }
    assert [each["kind"] for each in tool.details] == ["call", "result"]
    assert tool.details[0]["arguments"] == {"at": "it"}
    assert tool.details[1]["status"] == "ok"


async def test_other_sessions_and_other_times_record_nothing(running: Running) -> None:
    async with running([say("Hi."), say("Ho."), say("Off."), say("Other.")]) as environment:
        session = await _debugged(environment)
        await session.debug_off()
        await session.send("Once more.")
        other = await environment.client.start("helper", "Hello.")
        await other.wait()
        assert [each.turn for each in await _recorded(session)] == [2]
        assert await _recorded(other) == []
        with pytest.raises(NothingToDo, match="off already"):
            await session.debug_off()


class InDebugMode(Interceptor):
    """Sends the header of debug mode with activities, as only workflows may."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        class Outbound(OutboundInterceptor):
            async def start_activity(self, input: Any) -> Any:  # noqa: A002
                input.headers = TraceHeader(debug=time.time() + 3_600).headers()
                return await super().start_activity(input)

        return Outbound(next)


async def test_a_client_cannot_turn_it_on_by_a_header(running: Running) -> None:
    async with running([say("Hi.")]) as environment:
        session = await environment.client.start("helper", "Hello.")
        await session.wait()
        config: Any = environment.temporal.config()
        client = await connect(
            temporal=TemporalClient(**config | {"interceptors": [InDebugMode()]}),
            task_queue=environment.task_queue,
        )
        assert [each async for each in client.session(session.id).log()]
        assert await _recorded(session) == []


async def test_debug_mode_is_bounded_audited_and_shown(running: Running) -> None:
    async with running([say("Hi."), say("Ho.")]) as environment:
        session = await environment.client.start("helper", "Hello.")
        await session.wait()
        for wrong in (timedelta(0), timedelta(hours=25)):
            with pytest.raises(BadInput, match="must be from one second"):
                await session.debug(wrong)
        code, out, err = await holdfast(environment, "debug", session.id, "on", "--for", "2h", "--by", "ann")
        assert (code, err) == (0, "")
        assert "turned on by ann" in out
        view = await session.view()
        assert view.debug is not None
        assert view.debug.until == pytest.approx(view.debug.since + 7_200)
        await session.send("Again.")
        assert "debug mode until" in (await holdfast(environment, "show", session.id))[1]
        assert "! is in debug mode for " in (await holdfast(environment, "trace", session.id))[1]
        _, out, _ = await holdfast(environment, "debug", session.id)
        assert "think" in out
        assert "model call" in out
        _, out, _ = await holdfast(environment, "debug", session.id, "--json")
        assert [each["activity"] for each in lines(out)] == ["think"]
        kept = [each.record for each in await environment.client.audit(session=session.id, kind="operator")]
        assert [(each.action, each.details["by"]) for each in kept] == [("debug_on", "ann")]
        assert float(kept[0].details["until"]) == pytest.approx(view.debug.until, abs=1)


async def test_a_bundle_has_the_records(running: Running, tmp_path: Path) -> None:
    async with running([say("Hi."), say("Ho.")]) as environment:
        session = await _debugged(environment)
        assert await session.export(tmp_path / "case.zip") == ()
        found = await _recorded(session)
    assert [each async for each in open_bundle(tmp_path / "case.zip").debug_records()] == found
