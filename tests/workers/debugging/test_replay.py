"""``holdfast replay``: decisions that differ, and the debugger."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from holdfast.testing.replaying import load_history
from holdfast_temporal import data_converter
from holdfast_workers.debugging.replaying import event_of, replayed
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.session.turn.model_step import ModelStep

HISTORIES = Path(__file__).parents[2] / "workflows/histories"
PLAIN = HISTORIES / "plain.json"


async def replay(*words: str, stdin: str = "") -> tuple[int | None, str, str]:
    """Run the command as its users do."""
    pipe = asyncio.subprocess.PIPE
    program = "from holdfast_client.command import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "replay", *words, stdin=pipe, stdout=pipe, stderr=pipe, env=os.environ
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    return process.returncode, out.decode(), err.decode()


async def test_the_debugger_stops_in_the_workflow_before_the_step() -> None:
    code, out, err = await replay(
        str(HISTORIES / "parallel.json"), "--pdb", "--at", "1.2", stdin="p __name__\nw\nc\n"
    )
    assert (code, err) == (0, "")
    assert "the same decisions" in out
    assert "(Pdb) 'holdfast_workflows.session" in out
    code, out, err = await replay(str(PLAIN), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "run": "plain",
        "events": len(load_history(PLAIN).events),
        "problem": "",
        "event": 0,
    }


async def test_a_decision_that_differs_is_reported_with_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    history = load_history(HISTORIES / "parallel.json")
    assert (await replayed(history, data_converter)).problem == ""
    think = ModelStep.think

    async def twice(self: ModelStep, **options: object) -> object:
        if self._state.turn.step:  # pyright: ignore[reportPrivateUsage] - the second step
            await asyncio.sleep(1)  # a timer that the history does not have
        return await think(self, **options)  # type: ignore[arg-type] # those of think

    monkeypatch.setattr(ModelStep, "think", twice)
    found = await replayed(history, data_converter)
    second = event_of(history, "1.2", data_converter)
    assert found.problem.startswith("[TMPRL1100] Nondeterminism error: Timer machine")
    assert event_of(history, str(found.event), data_converter) == second > 0


def test_a_place_is_an_event_or_a_turn_and_step() -> None:
    history = load_history(PLAIN)
    first = event_of(history, "1.1", data_converter)
    assert history.events[first - 1].HasField("workflow_task_started_event_attributes")
    assert event_of(history, str(first), data_converter) == first
    assert event_of(history, "7.1", data_converter) == 0
    for wrong in ("", "first", "1.x"):
        with pytest.raises(BadInput, match="neither an event"):
            event_of(history, wrong, data_converter)


async def test_what_is_neither_a_history_nor_a_session_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text("[]")
    code, out, err = await replay(str(file))
    assert (code, out) == (2, "")
    assert "not a history" in err
    code, _, err = await replay(str(PLAIN), "--at", "3")
    assert (code, "--at needs --pdb" in err) == (2, True)
