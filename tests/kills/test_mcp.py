"""Workers that are killed while an MCP server works for them: calls are repeated with their key, or never."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing import Reply, Request, call, say

from ..npm_servers import npm_server
from ..support import eventually
from ..workers.running import eventually as seen
from .conftest import Make
from .world import done, kill, ready

APP = "tests.kills.mcp_app:app"
NOTES = str(Path(__file__).parents[1] / "mcp_servers" / "notes.py")
KEY = "holdfast/idempotency-key"


class Server:
    """A server, whose every request is also written to a file by ``tee``, and the call that takes a while."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._wire = folder / "wire.jsonl"
        self._hold = folder / "hold"
        self._hold.touch()
        self.arguments: dict[str, Any]
        if kind == "npm":
            command = npm_server("server-everything")
            self.tool, self.arguments = "trigger-long-running-operation", {"duration": 3, "steps": 3}
        else:
            command = [sys.executable, NOTES]
            self.tool, self.arguments = "add", {"text": "milk"}
        self.command = ["sh", "-c", 'tee -a "$0" | "$@"', str(self._wire), *command]
        self.env = {"NOTES_FOLDER": str(folder)}

    def calls(self) -> list[str]:
        """The keys of the calls that were sent to the server."""
        lines = self._wire.read_text().splitlines() if self._wire.exists() else []
        sent: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [each["params"]["_meta"][KEY] for each in sent if each.get("method") == "tools/call"]

    def go_on(self) -> None:
        """Let the call end."""
        self._hold.unlink()


def declared(server: Server, effect: str) -> str:
    return json.dumps({"command": server.command, "env": server.env, "effects": {server.tool: effect}})


@pytest.mark.slow
@pytest.mark.parametrize("effect", ["idempotent", "once"])
@pytest.mark.parametrize("kind", ["npm", "python"])
async def test_a_call_of_a_killed_worker_is_repeated_with_its_key_or_not_at_all(
    world: Make, task_queue: str, tmp_path: Path, kind: str, effect: str
) -> None:
    server = Server(tmp_path, kind)

    def script(request: Request) -> Reply:
        return call(f"tools__{server.tool}", server.arguments) if request.results == 0 else say("Done.")

    given = {"app": APP, "test_mcp": declared(server, effect)}
    async with world(script) as there:
        async with there.worker(task_queue, **given) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"mcp-{uuid.uuid4().hex[:8]}")
            await seen(lambda: len(server.calls()) == 1)
            await kill(worker)
        server.go_on()
        async with there.worker(task_queue, **given):
            session = await there.session(handle)
            if effect == "once":

                async def asked() -> bool:
                    return bool((await session.view()).inbox)

                await eventually(asked)
                [item] = (await session.view()).inbox
                assert item.kind == "effect"
                await session.answer(item.id, "confirm", text="it was added", by="ann")
            await done(handle)
            results = [row["text"] for row in there.log(handle.id) if row["kind"] == "result"]
    calls = server.calls()
    if effect == "once":
        assert (len(calls), results) == (1, ["it was added"])
    else:
        assert len(calls) >= 2  # a busy machine may take longer than one call may
        assert len(set(calls)) == 1, "all attempts have the same key"
        assert results[0].startswith("Long running operation completed" if kind == "npm" else "added 'milk'")
