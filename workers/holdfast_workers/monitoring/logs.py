"""Structured logs: one event per line, with its session.

They are made with the standard library: structlog imports rich, which adds 6 MB to each worker.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, cast

from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryFilter

from holdfast_activities.debugging.log_lines import DebugLines
from holdfast_activities.tracing import log_fields
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.text.redaction import redact, redact_value
from holdfast_workflows.contracts.text.unicode import clean

_TRACED: Final = frozenset({"tool", "unknown"})  # kinds of errors
_log: Final = logging.getLogger(__name__)
_CORE: Final = logging.getLogger("temporalio.core")
_COLORS: Final = {"WARNING": "\033[33m", "ERROR": "\033[31m", "CRITICAL": "\033[31m"}
_RESET: Final = "\033[0m"


def configure(settings: Settings) -> LoggingConfig:
    """Send all logs to standard error in one format, and return the logging config for the SDK's core."""
    terminal = sys.stderr.isatty()
    console = settings.log_format == "console" or (settings.log_format == "auto" and terminal)
    handler = logging.StreamHandler()
    handler.setFormatter(ConsoleFormatter(colors=terminal) if console else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    DebugLines(root.level).install(handler)
    # One line per model call, ten per start, and one that repeats the worker's own at its end.
    for chatty in ("httpx", "alembic", "temporalio.worker._worker"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    _configure_structlog()
    # Python would write these to standard error as they are.
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    activity.logger.activity_info_on_message = False  # the formatter adds it as fields
    workflow.logger.workflow_info_on_message = False
    forwarding = LogForwardingConfig(logger=_CORE, append_target_to_name=False)
    telemetry = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return LoggingConfig(filter=telemetry, forwarding=forwarding)


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), default=_shown)

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as fields: event, level, logger, time, session, turn, step, activity, attempt, trace, error."""
        found = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            **_ids(),
            **getattr(record, "fields", {}),
        }
        if retry := getattr(record, "retry", None):
            found["retry"] = retry
        if record.exc_info and (error := record.exc_info[1]):
            # Temporal's SDK logs each failed attempt with a trace, so a provider's outage would fill the log.
            typed = from_failure(error)
            if typed is not None and typed.kind not in _TRACED:
                found["error"] = str(typed)
            else:
                found["exception"] = self.formatException(record.exc_info)
        # Terminals and log stores refuse some characters, and the line would be lost.
        plain = {key: clean(value) if isinstance(value, str) else value for key, value in found.items()}
        # Last, so that it covers every logger, every field and every trace.
        return cast("dict[str, Any]", redact_value(plain))


class ConsoleFormatter(JsonFormatter):
    """One line for people, with the local time, followed by the stack trace if there is one."""

    def __init__(self, *, colors: bool) -> None:
        super().__init__()
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        found = self.fields(record)
        trace = found.pop("exception", "")
        _, level, logger, event = (found.pop(key) for key in ("timestamp", "level", "logger", "event"))
        source = "" if logger.startswith("holdfast_") else f" [{logger}]"
        if self._colors and (color := _COLORS.get(record.levelname)):
            level = f"{color}{level}{_RESET}"
        pairs = "".join(
            f" {key}={value if isinstance(value, str) else _shown(value)}" for key, value in found.items()
        )
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        return f"{time} [{level}] {event}{source}{pairs}" + (f"\n{trace}" if trace else "")


def _shown(value: object) -> str:
    return redact(repr(value))


def _ids() -> dict[str, object]:
    """The session, turn and step, the activity and its attempt, and the trace."""
    if activity.in_activity():
        info = activity.info()
        session = info.workflow_id or info.activity_id
        ids = {"session": session, "activity": info.activity_type, "attempt": info.attempt}
        return {**ids, **log_fields()}
    if not workflow.in_workflow():
        return {}
    more: Callable[[], dict[str, object]] = getattr(workflow.instance(), "log_fields", dict)
    return {"session": workflow.info().workflow_id, **more()}


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))


def _log_uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        _log_uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)


def _configure_structlog() -> None:
    """Let the loggers of an App that uses structlog write to the same log; nothing if none does."""
    structlog = sys.modules.get("structlog")
    if structlog is None or structlog.is_configured():
        return

    def as_record(logger: object, name: str, event: dict[str, Any]) -> dict[str, Any]:
        error = event.pop("exc_info", None)
        return {"msg": event.pop("event", ""), "exc_info": error, "extra": {"fields": event}}

    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, as_record],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
