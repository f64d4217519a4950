"""Bundles: exported, imported, read without a server, and without secrets."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from holdfast import BadInput, ImportedSession, NothingToDo, open_bundle
from holdfast.testing import Environment, call, say
from holdfast.testing.replaying import load_history, replay
from holdfast_temporal.histories.files import read_histories
from holdfast_temporal.histories.redacting import redact_message
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import StartInput

from ..command.test_command import holdfast, lines
from ..conftest import Running
from .test_traces import HISTORIES

SECRET = "sk-proj-abcdefghijklmnop1234567890"


async def exported(environment: Environment, path: Path) -> ImportedSession:
    """A bundle of a session with a secret in its message and in a call's arguments."""
    session = await environment.client.start("helper", f"Use {SECRET}, please.")
    await session.wait()
    assert await session.export(path) == ()
    return open_bundle(path)


async def test_a_bundle_reads_like_the_session_without_its_secrets(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "session.zip"
    async with running([call("look", {"at": SECRET}), say("Seen.")]) as environment:
        bundle = await exported(environment, file)
        session = environment.client.session(bundle.id)
        assert [each.seq async for each in bundle.log()] == [each.seq async for each in session.log()]
        assert [each.seq async for each in bundle.prompts()] == [each.seq async for each in session.prompts()]
        assert (await bundle.view()).turn == 1
        assert (await bundle.prompt(2)).step == 2
        turns, traced = [each async for each in bundle.turns()], await bundle.trace()
        assert [each.status for each in turns] == ["done"]
        assert [span.kind for turn in traced.turns for span in turn.spans if span.kind != "queue"] == [
            "model",
            "tool",
            "model",
        ]
        configuration = await bundle.configuration()
        assert configuration["spec"]["name"] == "helper"
        assert configuration["versions"]["holdfast"]
    content = b"".join(zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist())
    assert SECRET.encode() not in content
    assert b"[redacted:openai-key]" in content
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(NothingToDo):
        await bundle.prompt(9)


async def test_an_imported_session_is_shown_traced_and_listed_without_a_server(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    file = tmp_path / "session.zip"
    async with running([call("look", {"at": "it"}), say("Seen.")]) as environment:
        session = await environment.client.start("helper", "Look.")
        await session.wait()
        code, out, _ = await holdfast(environment, "export", session.id, str(file))
        assert (code, out.startswith(f"{file}: {session.id}, ")) == (0, True)
        nowhere = environment
    code, out, _ = await holdfast(nowhere, "import", str(file), "--name", "case 7")
    assert (code, out) == (0, "imported: holdfast show import:case_7\n")
    for words, expected in (
        (("show", "import:case_7"), "← look: it: seen"),
        (("show", str(file)), "imported; as it was when it was exported"),
        (("trace", "import:case_7"), "look · at=it"),
        (("prompt", "import:case_7", "1.2"), "turn 1, step 2"),
        (("effects", "import:case_7"), "There are no such effects."),
    ):
        code, out, err = await holdfast(nowhere, *words)
        assert (code, err) == (0, "")
        assert expected in out
    _, out, _ = await holdfast(nowhere, "import", "--json")
    assert [(each["id"], each["session"]) for each in lines(out)] == [("import:case_7", session.id)]
    code, _, err = await holdfast(nowhere, "show", "import:case_8")
    assert (code, "import:case_8" in err) == (2, True)


async def test_a_bundle_made_without_workers_has_the_history_and_lists_the_rest(
    running: Running, tmp_path: Path
) -> None:
    file = tmp_path / "session.zip"
    async with running([], worker=False) as environment:
        id = f"s-{environment.task_queue}"
        await environment.temporal.start_workflow(
            names.WORKFLOW, StartInput(agent="helper"), id=id, task_queue=environment.task_queue
        )
        missing = await environment.client.without_waiting().session(id).export(file)
    assert {each.partition(":")[0] for each in missing} == {
        "view",
        "turns",
        "log",
        "prompts",
        "effects",
        "state",
        "configuration",
        "debug",
    }
    trace = await open_bundle(file).trace()
    assert (trace.agent, trace.runs, trace.turns) == ("helper", 1, ())
    with pytest.raises(NothingToDo, match="no state"):
        await open_bundle(file).view()


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    other, newer = tmp_path / "other.zip", tmp_path / "newer.zip"
    other.write_text("not a zip")
    with zipfile.ZipFile(newer, "w") as made:
        made.writestr("bundle.json", json.dumps({"format": 99, "session": "s", "exported": 0}))
    with pytest.raises(BadInput, match="not a bundle"):
        open_bundle(other)
    with pytest.raises(BadInput, match="format 99"):
        open_bundle(newer)
    with pytest.raises(BadInput, match="cannot be read"):
        open_bundle(tmp_path / "missing.zip")
    with pytest.raises(BadInput, match="not a history"):
        read_histories(other)


@pytest.mark.parametrize(
    "name", ["plain", "effect_decided", "approved-1", "lost_workers", "team", "remembered"]
)
async def test_a_redacted_history_replays_as_before(name: str) -> None:
    history = load_history(HISTORIES / f"{name}.json")
    for event in history.events:
        redact_message(event)
    await replay(WorkflowHistory(history.workflow_id, history.events))
