"""What debug mode records: without secrets, and small enough to be stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest

from holdfast_activities.debugging import log_lines
from holdfast_activities.debugging.keeping import complete
from holdfast_activities.debugging.log_lines import DebugLines, more_lines
from holdfast_activities.debugging.recording import HIDDEN, RECORDING, Recording, phase, tool_run
from holdfast_activities.tracing import PRIVATE
from holdfast_workflows.contracts.operations.debugging import DebugRecord
from holdfast_workflows.contracts.text.unicode import dump_json, size

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def recording() -> Iterator[Recording]:
    """The recording of this test's task."""
    made = Recording()
    token = RECORDING.set(made)
    yield made
    RECORDING.reset(token)


async def test_headers_with_keys_and_values_that_look_like_keys_are_left_out(recording: Recording) -> None:
    sent = {"Authorization": f"Bearer {KEY}", "x-api-key": KEY, "user-agent": "holdfast", "x-other": KEY}
    request = httpx.Request("POST", f"https://models.example/v1?key={KEY}", headers=sent)
    recording.http(request, httpx.Response(200, headers={"set-cookie": "a=b", "x-request-id": "r-1"}))
    made = complete(DebugRecord(id="debug-1"), recording)
    [found] = made.details
    hidden = found["sent"]["authorization"], found["sent"]["x-api-key"], found["received"]["set-cookie"]
    assert all(each.startswith("[redacted:") for each in hidden)
    assert found["received"]["x-request-id"] == "r-1"
    assert found["sent"]["user-agent"] == "holdfast"
    assert KEY not in made.model_dump_json()


async def test_results_are_recorded_without_secrets(recording: Recording) -> None:
    with tool_run("look", '{"at": "it"}') as ended:
        ended("ok", f"the key is {KEY}")
    made = complete(DebugRecord(id="debug-1"), recording)
    assert [each["kind"] for each in made.details] == ["call", "result"]
    assert KEY not in made.model_dump_json()
    assert [name for name, _ in made.phases] == ["tool look"]


async def test_calls_of_agents_that_hide_personal_data_are_not_recorded(recording: Recording) -> None:
    PRIVATE.set(True)
    with tool_run("mail", '{"to": "ann@example.com"}') as ended:
        ended("ok", "sent to ann@example.com")
    assert [each.get("arguments") or each.get("text") for each in recording.details] == [HIDDEN, HIDDEN]


async def test_of_errors_of_agents_that_hide_personal_data_only_the_kind_is_recorded(
    recording: Recording,
) -> None:
    PRIVATE.set(True)
    with pytest.raises(LookupError), tool_run("mail", "{}"):
        raise LookupError("ann@example.com is unknown")
    assert recording.details[-1]["text"] == f"LookupError: {HIDDEN}"


@pytest.mark.parametrize("depth", [900, 5_000])
async def test_json_that_is_nested_too_deeply_does_not_stop_the_call(
    recording: Recording, depth: int
) -> None:
    with tool_run("look", depth * "[" + depth * "]") as ended:
        ended("ok", "seen")
    made = complete(DebugRecord(id="debug-1"), recording)
    assert [each["kind"] for each in made.details] == ["call", "result"]
    assert made.details[1]["text"] == "seen"


async def test_the_error_of_a_failed_call_is_recorded(recording: Recording) -> None:
    with pytest.raises(LookupError), tool_run("look", "{}"):
        raise LookupError("nothing there")
    assert recording.details[-1]["status"] == "failed"
    assert "nothing there" in recording.details[-1]["text"]


@pytest.mark.parametrize(
    "details",
    [
        [{"kind": "prompt", "messages": ["x" * 3_000_000, "short"]}, {"kind": "reply", "text": "kept"}],
        [{"kind": "prompt", "messages": ["x" * 90] * 20_000}, {"kind": "reply", "text": "kept"}],
    ],
    ids=["a long text", "many texts"],
)
async def test_a_record_that_is_too_large_is_cut(details: list[dict[str, object]]) -> None:
    made = complete(DebugRecord(id="debug-1"), Recording(details=details))
    assert size(dump_json(list(made.details))) <= 400_000
    assert made.cut > 1_000_000
    assert made.details[-1] == {"kind": "reply", "text": "kept"}


async def test_outside_debug_mode_nothing_is_recorded() -> None:
    with tool_run("look", "{}") as ended, phase("agent"):
        ended("ok", "seen")
    assert RECORDING.get() is None


async def test_lines_at_debug_are_written_of_sessions_in_debug_mode_only(
    recording: Recording, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "_installed", None)
    root, handler = logging.getLogger(), logging.StreamHandler()
    before = root.level
    root.addHandler(handler)
    try:
        root.setLevel(logging.INFO)
        DebugLines(logging.INFO).install(handler)
        shop = logging.getLogger("shop")
        shop.debug("before")
        with more_lines():
            shop.debug("of this session")
            RECORDING.set(None)
            shop.debug("of another session")
            shop.info("as always")
        assert root.level == logging.INFO
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert capsys.readouterr().err.splitlines() == ["of this session", "as always"]
