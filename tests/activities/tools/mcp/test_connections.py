"""Connections: shared by calls with the same credentials only, closed when idle, ended with their worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from holdfast import CredentialsContext, McpAccessDenied, MCPServer
from holdfast_activities.tools.mcp.stdio import hung_up
from holdfast_activities.tools.questions import InputNeeded

from .support import BOUND, NOTES, gone, notes, over_http, recorded, serving


async def of_user(about: CredentialsContext) -> Mapping[str, str]:
    """The credentials of a session's user."""
    return {"Authorization": f"Bearer {about.tenant}-{about.user}"}


def same_for_all(_: CredentialsContext) -> Mapping[str, str]:
    return {"TOKEN": "the same"}


async def test_users_never_share_a_connection_or_a_token(tmp_path: Path) -> None:
    async with (
        over_http(tmp_path) as (url, _),
        serving(MCPServer("notes", url=url, credentials=of_user)) as tools,
    ):
        await tools.load("ann")
        (tmp_path / "hold").touch()
        calls = [
            asyncio.create_task(tools.call("notes__add", user, tenant, text=f"{tenant} {user}"))
            for user, tenant in (("ann", "acme"), ("bob", "acme"), ("ann", "other"))
        ]
        async with asyncio.timeout(BOUND):
            while len(recorded(tmp_path)) < 3:  # noqa: ASYNC110 - recorded by another process
                await asyncio.sleep(0.02)
        (tmp_path / "hold").unlink()
        await asyncio.gather(*calls)
        assert {each["text"]: each["token"] for each in recorded(tmp_path)} == {
            "acme ann": "acme-ann",
            "acme bob": "acme-bob",
            "other ann": "other-ann",
        }


async def test_users_with_equal_credentials_have_a_process_each(tmp_path: Path) -> None:
    async with serving(notes(tmp_path, credentials=same_for_all)) as tools:
        for user in ("ann", "bob", "ann"):
            await tools.call("notes__add", user, text=user)
    ann, bob, again = (each["pid"] for each in recorded(tmp_path))
    assert ann == again != bob


async def test_calls_without_user_credentials_share_one_process(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        for user in ("ann", "bob"):
            await tools.call("notes__add", user, text=user)
    assert len({each["pid"] for each in recorded(tmp_path)}) == 1


async def test_a_refused_token_asks_for_consent_and_a_new_one_is_used(tmp_path: Path) -> None:
    token = "old"

    async def current(_: CredentialsContext) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token}"}

    (tmp_path / "tokens").write_text("old")
    async with (
        over_http(tmp_path) as (url, _),
        serving(MCPServer("notes", url=url, credentials=current)) as tools,
    ):
        await tools.call("notes__add", text="milk")
        (tmp_path / "tokens").write_text("new")
        with pytest.raises(InputNeeded, match="HTTP 401"):
            await tools.call("notes__add", text="eggs")
        token = "new"
        await tools.call("notes__add", text="eggs")
        assert [each["token"] for each in recorded(tmp_path)] == ["old", "new"]


async def test_a_credentials_function_that_fails_shows_no_secret(tmp_path: Path) -> None:
    def broken(_: CredentialsContext) -> Mapping[str, str]:
        raise ValueError("password=hunter22")

    async with serving(notes(tmp_path, credentials=broken)) as tools:
        with pytest.raises(McpAccessDenied) as denied:
            await tools.load()
        assert "hunter22" not in str(denied.value)


async def test_an_idle_server_is_ended_and_started_for_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast_activities.tools.mcp.pool._LOOK_EVERY", 0.05)
    async with serving(notes(tmp_path, idle=0.2)) as tools:
        await tools.call("notes__add", text="milk")
        [first] = recorded(tmp_path)
        await gone(first["pid"])
        await tools.call("notes__add", text="eggs")
        assert recorded(tmp_path)[1]["pid"] != first["pid"]


_STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"jsonrpc": "2.0", "method": "notifications/message"}', flush=True)
while True: time.sleep(1)
"""
_WORKER = """
import asyncio, sys
from collections import deque
from holdfast import MCPServer
from holdfast_activities.tools.mcp.credentials import Resolved
from holdfast_activities.tools.mcp.stdio import child_process

async def main():
    server = MCPServer("stubborn", command=sys.argv[1:]).server
    async with child_process(server, Resolved({}, {}, ""), deque(), lambda _: None, lambda: None) as (read, _):
        await read.receive()
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_server_ends_with_a_killed_worker_even_if_it_ignores_the_end_of_its_input() -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WORKER, sys.executable, "-c", _STUBBORN), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    async with asyncio.timeout(BOUND):
        assert await worker.stdout.readline() == b"up\n"
    children = psutil.Process(worker.pid).children(recursive=True)
    assert len(children) == 2, "the supervisor and the server"
    worker.kill()
    await worker.wait()
    for child in children:
        await gone(child.pid)


async def test_a_stopped_worker_ends_its_servers(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        await tools.call("notes__add", text="milk")
        before: list[Any] = psutil.Process().children(recursive=True)
        assert any(NOTES in " ".join(child.cmdline()) for child in before)
    await gone(recorded(tmp_path)[0]["pid"])
    assert not any(child.is_running() and NOTES in " ".join(child.cmdline()) for child in before)


async def test_a_server_whose_supervisor_is_killed_ends_with_its_connection(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        await tools.call("notes__add", text="milk")
        pid = recorded(tmp_path)[0]["pid"]
        parent = psutil.Process(pid).parent()
        assert parent is not None
        os.kill(parent.pid, signal.SIGKILL)
        assert await tools.call("notes__add", text="eggs")
    await gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_server_that_reads_its_input_has_not_hung_up_on_a_workers_event_loop() -> None:
    import uvloop  # not for Windows

    async def check() -> tuple[bool, bool]:
        process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
        before = hung_up(process)
        process.kill()
        await process.wait()
        return before, hung_up(process)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(check()) == (False, True)
