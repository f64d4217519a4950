"""Tools of a real MCP server in sessions: pinned, called, cancelled, and refused when they have changed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import MCPServer, McpUnavailable, Session
from holdfast.testing import Call, Environment, Reply, ScriptedModel, call, say
from holdfast_activities.tools.mcp.binding import McpBinding
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.session.entries import ResultEntry

from .support import BOUND, app_with, notes, recorded

ADD = call("notes__add", {"text": "milk"})


async def results(session: Session) -> list[tuple[str, str]]:
    return [(entry.status, entry.text) async for entry in session.log() if isinstance(entry, ResultEntry)]


async def test_a_model_calls_a_tool_of_a_server_with_its_key(server: DevServer, tmp_path: Path) -> None:
    script = [Reply(calls=(Call("notes__add", '{"text": "milk"}'), Call("notes__fail", "{}"))), say("Added.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(notes(tmp_path)), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Buy milk")
        assert (await session.wait()).text == "Added."
        [made] = recorded(tmp_path)
        assert made["key"].startswith(session.id)
        assert await results(session) == [
            ("ok", f"added 'milk' as {made['key']}"),
            ("failed", "error: Error executing tool fail: no more paper"),
        ]
        assert b"Add a note." in model.requests[0].body
        assert ("notes__add", "settled") in [(row.tool, row.status) for row in await session.effects()]


async def _add_change_add(server: DevServer, folder: Path) -> tuple[Session, list[tuple[str, str]], bytes]:
    """A session in which the server changes its tool between two turns, and the last prompt."""
    script = [ADD, say("Added."), ADD, say("Done.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(notes(folder, refresh=0)), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Buy milk")
        await session.wait()
        (folder / "changed").touch()
        await session.send("Again")
        return session, await results(session), model.requests[-1].body


async def test_a_running_session_keeps_its_tools_and_a_changed_one_is_not_called(
    server: DevServer, tmp_path: Path
) -> None:
    _, found, prompt = await _add_change_add(server, tmp_path)
    assert [status for status, _ in found] == ["ok", "failed"]
    assert "has changed the tool 'add'" in found[1][1]
    assert len(recorded(tmp_path)) == 1
    assert b"evil" not in prompt


async def test_without_the_check_of_the_pin_a_changed_tool_would_be_called(
    server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unchecked(*_: object) -> None:
        return None

    monkeypatch.setattr(McpBinding, "_expect_pinned", unchecked)
    _, found, _ = await _add_change_add(server, tmp_path)
    assert [status for status, _ in found] == ["ok", "ok"]
    assert len(recorded(tmp_path)) == 2


async def test_repin_accepts_the_changed_tool(server: DevServer, tmp_path: Path) -> None:
    script = [say("Hello."), ADD, say("Added.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(notes(tmp_path)), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Hello")
        await session.wait()
        (tmp_path / "changed").touch()
        await session.repin()
        await session.send("Buy milk")
        assert [status for status, _ in await results(session)] == ["ok"]
        assert b"evil" in model.requests[-1].body


async def test_a_session_fails_clearly_if_a_server_cannot_be_reached(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from temporalio.common import RetryPolicy

    monkeypatch.setattr(
        "holdfast_workflows.session.state.activity_calls._READ_RETRY", RetryPolicy(maximum_attempts=2)
    )
    app = app_with(MCPServer("gone", command=["no-such-program"]))
    async with (
        ScriptedModel([say("Hello.")]) as model,
        Environment.start(app, model, server=server.address) as holdfast,
    ):
        with pytest.raises(McpUnavailable, match="no-such-program: No such file"):
            await holdfast.client.start("clerk", "Hello")


async def test_a_session_starts_without_an_optional_server(server: DevServer, tmp_path: Path) -> None:
    gone = MCPServer("gone", command=["no-such-program"], optional=True)
    async with (
        ScriptedModel([ADD, say("Added.")]) as model,
        Environment.start(app_with(gone, notes(tmp_path)), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Buy milk")
        assert (await session.wait()).text == "Added."
        assert [status for status, _ in await results(session)] == ["ok"]


async def test_cancel_ends_a_call_at_the_server(server: DevServer, tmp_path: Path) -> None:
    script = [call("notes__slow", {}), say("Never.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(
            app_with(notes(tmp_path, effects={"slow": "none"})), model, server=server.address
        ) as holdfast,
    ):
        session = await holdfast.client.start("clerk", "Slowly")
        async with asyncio.timeout(BOUND):
            while not recorded(tmp_path, "slow"):  # noqa: ASYNC110 - recorded by another process
                await asyncio.sleep(0.02)
        reply = await session.cancel()
        assert reply.status == "cancelled"
        assert (tmp_path / "cancelled").exists()


def test_an_app_without_a_server_imports_no_mcp() -> None:
    program = (
        "import sys; from tests.support import make_app; import holdfast_workers.wiring, holdfast_activities\n"
        "from holdfast_activities.session.activities import _servers\n"
        "assert _servers(make_app().registry()) is None\n"
        "assert not {'mcp', 'mcp_types', 'httpx2', 'anyio'} & {name.split('.')[0] for name in sys.modules}, 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
