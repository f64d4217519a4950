from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from holdfast_workers.monitoring import logs
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import ModelTransient, ToolFailed, to_failure
from holdfast_workflows.contracts.text import redaction

Lines = Callable[[], list[str]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was logged to standard error; logging is as it was afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook

    def read() -> list[str]:
        return capsys.readouterr().err.splitlines()

    yield read
    root.handlers[:] = before
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()


def parsed(lines: Lines) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines()]


def test_a_line_from_an_activity_names_session_activity_and_attempt(lines: Lines) -> None:
    logs.configure(Settings.load(log_format="json"))

    @activity.defn
    def lookup() -> None:
        logging.getLogger("shop").info("looking for %s", 42)
        structlog.stdlib.get_logger("shop").warning("found", order=42)
        activity.logger.info("by the SDK's logger")

    environment = ActivityEnvironment()
    environment.run(lookup)
    info = environment.info
    first, second, third = parsed(lines)
    ids = {"session": info.workflow_id, "activity": info.activity_type, "attempt": info.attempt}
    assert first["event"] == "looking for 42"
    assert (second["event"], second["order"], second["level"]) == ("found", 42, "warning")
    assert third["event"] == "by the SDK's logger"
    assert all(ids.items() <= line.items() for line in (first, second, third))


def test_text_that_no_terminal_takes_loses_no_line(lines: Lines) -> None:
    logs.configure(Settings.load(log_format="console"))
    logging.getLogger("shop").info("half \ud800 and NUL \x00")
    logging.getLogger("holdfast_workers.process").warning("worker started")
    first, second = lines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info\] half \ufffd and NUL \ufffd \[shop\]", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[warning\] worker started", second)


def test_a_traceback_is_one_field_of_one_line(lines: Lines) -> None:
    logs.configure(Settings.load(log_format="json"))
    try:
        int("many")
    except ValueError:
        logging.getLogger("shop").exception("failed")
    [line] = parsed(lines)
    assert "Traceback" in str(line["exception"])


def test_only_what_is_not_foreseen_has_a_traceback(lines: Lines) -> None:
    logs.configure(Settings.load(log_format="json"))
    for error in (ModelTransient("answered 503"), ToolFailed("ZeroDivisionError: division by zero")):
        try:
            raise to_failure(error) from error
        except ApplicationError:
            logging.getLogger("temporalio.activity").warning("Completing activity as failed", exc_info=True)
    provider, tool = parsed(lines)
    assert "exception" not in provider
    assert "answered 503" in str(provider["error"])
    assert "Traceback" in str(tool["exception"])


def test_what_is_below_the_level_is_left_out(lines: Lines) -> None:
    logs.configure(Settings.load(log_level="WARNING"))
    logging.getLogger("shop").info("quiet")
    logging.getLogger("httpx").info("quiet")
    assert lines() == []


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_holds_a_secret(lines: Lines, form: str) -> None:
    logs.configure(Settings.load(log_format=form))
    redaction.learn("v4lue-of-a-tool")
    log = logging.getLogger("library")
    log.error("sent %s", "v4lue-of-a-tool", extra={"fields": {"header": {"v4lue-of-a-tool": object()}}})
    log.error("%r", {"authorization": "Bearer abcdefgh12345678"}, extra={"fields": {"password": "hunter2"}})
    try:
        raise OSError("v4lue-of-a-tool")  # noqa: TRY301 - the trace is what is tested
    except OSError:
        log.exception("failed")
    structlog.get_logger("own").warning("it", key="v4lue-of-a-tool")
    variables: dict[str, str] = {}
    thread = threading.Thread(target=lambda: variables["v4lue-of-a-tool"])
    thread.start()
    thread.join()
    redaction.forget("v4lue-of-a-tool")
    said = "\n".join(lines())
    assert not any(secret in said for secret in ("v4lue", "abcdefgh1", "hunter2"))
    assert said.count("[redacted:secret]") >= 5
    assert "uncaught KeyError" in said
