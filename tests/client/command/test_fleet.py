"""The commands of fleets."""

from __future__ import annotations

import json
from pathlib import Path

from holdfast.testing import Reply, Request, say

from ...support import eventually
from ..conftest import Running
from .test_command import holdfast, lines

broken = {"b"}


def script(request: Request) -> Reply:
    """A model that fails for some messages."""
    text = str(request.messages[-1]["content"])
    return say("", finish="length") if text in broken else say(f"echo {text}")


async def test_a_fleet_is_run_shown_and_tried_again(running: Running, tmp_path: Path) -> None:
    path, output = tmp_path / "items.jsonl", tmp_path / "results.jsonl"
    path.write_text('{"id": "x", "text": "a"}\n{"id": "y", "text": "b"}\n')
    async with running(script) as environment:
        id = f"fleet-{environment.task_queue}"
        options = ("--message", "{text}", "--id", id, "--output", str(output))
        code, out, err = await holdfast(environment, "fleet", "run", "helper", str(path), *options)
        assert code == 1
        assert "done, 2 of 2, 1 failed" in out
        assert "1 × output_cut_off" in out
        assert f"1 of 2 items are not done; `holdfast fleet retry {id}` tries them again" in err
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        assert next((row["id"], row["status"], row["text"]) for row in rows) == ("x", "done", "echo a")
        _, out, _ = await holdfast(environment, "fleet", "results", id, "--status", "failed")
        assert [(row["id"], row["error"]["code"]) for row in lines(out)] == [("y", "output_cut_off")]
        broken.clear()
        assert (await holdfast(environment, "fleet", "retry", id))[0] == 0
        _, out, _ = await holdfast(environment, "fleet", "status", id, "--wait", "--json")
        [report] = lines(out)
        assert (report["status"], report["done"], report["retried"]) == ("done", 2, 1)

        async def listed() -> bool:
            _, out, _ = await holdfast(environment, "fleet", "list", "--json")
            return (id, "helper", "ended") in [(row["id"], row["agent"], row["status"]) for row in lines(out)]

        await eventually(listed)
        code, _, err = await holdfast(environment, "show", id)
        assert (code, f"{id} is a fleet" in err) == (2, True)
