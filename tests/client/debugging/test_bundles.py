"""Bundles: exported, imported, read without a server, and without secrets."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHistory

from holdfast import BadInput, ImportedSession, NothingToDo, open_bundle
from holdfast.testing import Environment, call, failed, say
from holdfast.testing.replaying import load_history, replay
from holdfast_client.debugging import imports
from holdfast_client.debugging.bundle import About, Bundle, BundleWriter
from holdfast_temporal.histories.files import read_histories
from holdfast_temporal.histories.redacting import redact_message
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.problems import error_of
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


def test_two_exports_into_one_file_do_not_mix_and_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "case"  # any name; it is a bundle by its content
    writers = [BundleWriter(file), BundleWriter(file)]
    for writer in writers:
        writer.add_lines("turns", [{"turn": 1}])
    for writer in writers:
        writer.finish(About(session="s", exported=0.0))
        assert Bundle(file).about.session == "s"
    BundleWriter(file).discard()
    assert list(tmp_path.iterdir()) == [file]
    assert imports.find(str(file)) is not None
    with pytest.raises(BadInput, match="is a folder"):
        BundleWriter(tmp_path)


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


def damaged(file: Path, name: str, content: bytes) -> ImportedSession:
    """The bundle with another content of a member."""
    made = file.with_name(f"damaged-{name.replace('/', '-')}")
    with zipfile.ZipFile(file) as found, zipfile.ZipFile(made, "w") as to:
        for each in found.namelist():
            to.writestr(each, content if each == name else found.read(each))
    return open_bundle(made)


async def test_a_terminated_session_is_read_from_its_bundle_as_from_the_server(
    running: Running, tmp_path: Path
) -> None:
    file = tmp_path / "session.zip"
    async with running([failed(400), call("dig", {})]) as environment:
        session = await environment.client.start("helper", "Hello.")
        await session.wait(raise_on_error=False)
        await session.pause()
        await environment.temporal.get_workflow_handle(session.id).terminate(reason="enough")
        assert await session.export(file) == ()
        turns, live = [each async for each in session.turns()], await session.trace()
    bundle = open_bundle(file)
    assert turns[0].error
    assert turns[0].error.id
    assert [each async for each in bundle.turns()] == turns
    assert (await bundle.view()).status == "cancelled"
    for trace in (live, await bundle.trace()):
        failure, end = trace.findings
        assert (trace.status, failure) == ("terminated", f"turn 1 failed: {error_of(turns[0].error)}")
        assert end.startswith("the session was terminated: enough, by ")
        (paused,) = [span for span in trace.background if span.kind == "paused"]
        assert paused.status == "cancelled"


async def test_a_damaged_bundle_is_refused_where_it_is_damaged(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "session.zip"
    async with running([say("Hello.")]) as environment:
        session = await environment.client.start("helper", "Hello.")
        await session.wait()
        await session.export(file)
    with pytest.raises(BadInput, match=r"description\.json is damaged"):
        await damaged(file, "description.json", b"{").trace()
    with pytest.raises(BadInput, match="is damaged"):
        await damaged(file, "state.jsonl", b"[]\n").state()
    newer = damaged(file, "state.jsonl", b'{"key": "k", "value": 1, "version": 2, "newer": 3}\n')
    assert [each.value for each in await newer.state()] == [1]
    with zipfile.ZipFile(file) as found:
        history = next(each for each in found.infolist() if each.filename.startswith("history/"))
        log = found.getinfo("log.jsonl")
    content = bytearray(file.read_bytes())
    for each in (history, log):  # the beginning of what is compressed
        start = each.header_offset + 30 + len(each.filename)
        content[start : start + 8] = b"\xff" * 8
    file.write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        await open_bundle(file).trace()
    with pytest.raises(BadInput, match="damaged"):
        [each async for each in open_bundle(file).log()]


@pytest.mark.parametrize("before", [b"[" * 5_000, b"{"])
def test_secrets_are_replaced_also_in_what_cannot_be_read_as_json(before: bytes) -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=before + f'"{SECRET}"'.encode())
    redact_message(payload)
    assert payload.data == before + b'"[redacted:openai-key]"'


@pytest.mark.parametrize(
    "name", ["plain", "effect_decided", "approved-1", "lost_workers", "team", "remembered"]
)
async def test_a_redacted_history_replays_as_before(name: str) -> None:
    history = load_history(HISTORIES / f"{name}.json")
    for event in history.events:
        redact_message(event)
    await replay(WorkflowHistory(history.workflow_id, history.events))
