"""Calls of tools of real servers: results, errors, lost connections."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from holdfast import (
    EffectUnknown,
    MCPServer,
    McpSessionLost,
    McpToolChanged,
    McpUnavailable,
    ToolArgumentsInvalid,
    ToolError,
)
from holdfast_workflows.contracts.agent.spec import Effect

from .support import BOUND, notes, over_http, recorded, serving


async def test_results_are_text_json_and_descriptions_of_other_content(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        assert await tools.call("notes__add", text="milk") == "added 'milk' as s-1-3"
        assert await tools.call("notes__count") == '{\n  "notes": 2\n}', "structured content is not repeated"
        assert await tools.call("notes__picture") == "a cat\n\n[image, image/png, 3 bytes; not shown]"


async def test_an_error_of_the_tool_is_for_the_model_and_not_retried(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        with pytest.raises(ToolError, match="no more paper") as failed:
            await tools.call("notes__fail")
        assert not failed.value.retryable
        with pytest.raises(ToolArgumentsInvalid, match="text: '' should be non-empty"):
            await tools.call("notes__add", text="")
        assert recorded(tmp_path) == []


async def test_a_server_gets_its_own_environment_and_its_secrets_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "not-for-servers")
    monkeypatch.setenv("NOTES_TOKEN", "s3cret-token")
    async with serving(notes(tmp_path, env={"TOKEN": "env:NOTES_TOKEN"})) as tools:
        shown = await tools.call("notes__environment")
        assert "not-for-servers" not in shown
        assert "s3cret-token" not in shown
        assert '"TOKEN": "***"' in shown.replace("\\", "")


async def test_progress_is_reported(tmp_path: Path) -> None:
    async with serving(notes(tmp_path, timeout=60)) as tools:
        call = asyncio.create_task(tools.call("notes__slow"))
        async with asyncio.timeout(BOUND):
            while len(tools.said) < 3:  # noqa: ASYNC110 - reported by another task
                await asyncio.sleep(0.02)
        call.cancel()
        await asyncio.wait([call])
        assert tools.said[1] == "part 1"


@pytest.mark.parametrize(("effect", "error"), [("idempotent", McpSessionLost), ("once", EffectUnknown)])
async def test_a_server_that_crashes_during_a_call_is_started_again(
    tmp_path: Path, effect: Effect, error: type[Exception]
) -> None:
    async with serving(notes(tmp_path, effects={"add": effect})) as tools:
        (tmp_path / "crash").touch()
        with pytest.raises(error, match="notes"):
            await tools.call("notes__add", text="milk")
        assert await tools.call("notes__add", text="eggs") == "added 'eggs' as s-1-3"
        assert [each["text"] for each in recorded(tmp_path)] == ["milk", "eggs"]


async def test_a_call_to_a_server_that_ended_before_it_is_made_with_the_next_process(tmp_path: Path) -> None:
    async with serving(notes(tmp_path)) as tools:
        await tools.call("notes__add", text="milk")
        process = psutil.Process(recorded(tmp_path)[0]["pid"])
        process.kill()
        process.wait(BOUND)  # without the event loop, which has then not heard of the end
        # The effect is once: had the call been sent to the old process, its outcome would be unknown.
        assert await tools.call("notes__add", text="eggs") == "added 'eggs' as s-1-3"


async def test_a_url_whose_server_was_restarted_is_reached_again(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (url, process):
        port = int(url.split(":")[2].split("/")[0])
        async with serving(MCPServer("notes", url=url)) as tools:
            assert await tools.call("notes__add", text="milk") == "added 'milk' as s-1-3"
            process.kill()
            await process.wait()
            with pytest.raises((McpUnavailable, McpSessionLost)):
                await tools.call("notes__add", text="eggs")
            async with over_http(tmp_path, port=port):
                assert await tools.call("notes__add", text="eggs") == "added 'eggs' as s-1-3"
        assert [each["text"] for each in recorded(tmp_path)] == ["milk", "eggs"]


@pytest.mark.parametrize(("effect", "error"), [("idempotent", McpSessionLost), ("once", EffectUnknown)])
async def test_a_url_whose_server_dies_during_a_call_leaves_the_outcome_open(
    tmp_path: Path, effect: Effect, error: type[Exception]
) -> None:
    async with (
        over_http(tmp_path) as (url, _),
        serving(MCPServer("notes", url=url, effects={"add": effect})) as tools,
    ):
        await tools.load()
        (tmp_path / "crash").touch()
        with pytest.raises(error):
            await tools.call("notes__add", text="milk")


async def test_a_server_that_cannot_be_reached_is_named_with_the_reason(tmp_path: Path) -> None:
    async with serving(MCPServer("gone", url="http://127.0.0.1:9/mcp")) as tools:
        with pytest.raises(McpUnavailable, match=r"server 'gone': ConnectError"):
            await tools.load()
    async with serving(MCPServer("gone", command=["no-such-program"])) as tools:
        with pytest.raises(McpUnavailable, match="no-such-program: No such file or directory"):
            await tools.load()
    broken = [sys.executable, "-c", "import sys; sys.exit('API key missing')"]
    async with serving(MCPServer("gone", command=broken)) as tools:
        with pytest.raises(McpUnavailable, match="API key missing"):
            await tools.load()


async def test_a_server_that_does_not_answer_is_unavailable_after_its_time(tmp_path: Path) -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(60)"]
    async with serving(MCPServer("slow", command=silent, connect_timeout=0.5)) as tools:
        with pytest.raises(McpUnavailable, match="has not listed its tools yet"):
            await tools.load(within=0.05)
        with pytest.raises(McpUnavailable, match=r"not ready after 0\.5 s"):
            await tools.load()


async def test_a_changed_tool_is_refused_until_it_is_pinned_again(tmp_path: Path) -> None:
    async with serving(notes(tmp_path, refresh=0)) as tools:
        await tools.call("notes__add", text="milk")
        (tmp_path / "changed").touch()
        with pytest.raises(McpToolChanged, match="has changed the tool 'add'"):
            await tools.call("notes__add", text="eggs")
        assert len(recorded(tmp_path)) == 1
        assert "evil" in (await tools.load(again=True)).tools[1].description
        assert await tools.call("notes__add", text="eggs") == "added 'eggs' as s-1-3"
