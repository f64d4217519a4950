"""Structured logs: one event per line, with its session."""

from __future__ import annotations

import logging
import sys
from typing import Final, cast

import structlog
from structlog.typing import EventDict, WrappedLogger
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryFilter

from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.text.unicode import clean

_TRACED: Final = frozenset({"tool", "unknown"})  # kinds of errors
_CORE: Final = logging.getLogger("temporalio.core")
_FIELDS: Final = ("retry",)  # extra fields of our own records; other extras are dropped


def configure(settings: Settings) -> LoggingConfig:
    """Send all logs to standard error in one format, and return the logging config for the SDK's core."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_ids,
        without_known_traces,
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(_FIELDS)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean_texts, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("httpx", "alembic"):  # one line per model call, ten per start
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    activity.logger.activity_info_on_message = False  # add_ids adds it as fields
    workflow.logger.workflow_info_on_message = False
    forwarding = LogForwardingConfig(logger=_CORE, append_target_to_name=False)
    telemetry = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return LoggingConfig(filter=telemetry, forwarding=forwarding)


def add_ids(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Add the session, the activity and its attempt."""
    if activity.in_activity():
        info = activity.info()
        event.setdefault("session", info.workflow_id or info.activity_id)
        event.setdefault("activity", info.activity_type)
        event.setdefault("attempt", info.attempt)
    elif workflow.in_workflow():
        event.setdefault("session", workflow.info().workflow_id)
    return event


def without_known_traces(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replace the stack trace of a typed error by its message; tool and unknown errors keep theirs.

    Temporal's SDK logs each failed attempt with a trace, so a provider's outage would fill the log.
    """
    given = event.get("exc_info")
    raised: object = cast("tuple[object, ...]", given)[1] if isinstance(given, tuple) else given
    found = from_failure(raised) if isinstance(raised, BaseException) else None
    if found is not None and found.kind not in _TRACED:
        del event["exc_info"]
        event["error"] = str(found)
    return event


def clean_texts(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replace characters that terminals and log stores refuse, so that no line is lost."""
    return {key: clean(value) if isinstance(value, str) else value for key, value in event.items()}
