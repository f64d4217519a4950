"""Records of debug mode: written when an activity ends, and read by people.

They are texts of their session, so they are encrypted, erased and removed with its other texts.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.session.admin.payload import fitting
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_activities.tracing.work import WORK, log_fields
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.debugging import DebugPage, DebugRecord, ReadDebug
from holdfast_workflows.contracts.text.redaction import redact_value
from holdfast_workflows.contracts.text.unicode import dump_json, size

from .log_lines import more_lines
from .recording import RECORDING, Recording, words

MAX_RECORDS: Final = 2_000
"""Records of a session; later attempts are only logged."""

_LARGEST: Final = 400_000
"""Bytes of a record."""

_PAGE: Final = 20
_SECONDS: Final = 5.0
"""How long writing a record may delay the end of an activity."""

_log: Final = logging.getLogger(__name__)


class DebugRecords:
    """Writes and reads the records of debug mode."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.READ_DEBUG)
    @reports_failures
    async def read_debug(self, ask: ReadDebug) -> DebugPage:
        """Return a page of a session's records."""
        found = await self._state.texts_after(ask.session, names.DEBUG_TEXT, ask.after, _PAGE + 1)
        records = [DebugRecord.model_validate_json(text) for _, text in found]
        page = fitting(records[:_PAGE])
        return DebugPage(records=page, next=page[-1].id if len(page) < len(records) else "")

    async def keep(self, session: str, record: DebugRecord) -> None:
        """Write a record."""
        if await self._state.count_texts(session, names.DEBUG_TEXT) >= MAX_RECORDS:
            _log.warning("debug mode of %s has %d records; this one is only logged", session, MAX_RECORDS)
            return
        await self._state.store_text(session, record.id, record.model_dump_json(exclude_defaults=True))


async def recorded(
    keep: Callable[[str, DebugRecord], Awaitable[None]] | None, call: Callable[[], Awaitable[Any]]
) -> Any:
    """Run an activity whose session is in debug mode, log its lines at DEBUG, and keep what it did."""
    recording, info, at, error = Recording(), activity.info(), clock.now(), ""
    begun = WORK.get()
    RECORDING.set(recording)  # an activity has a task of its own
    with more_lines():
        _log.debug("%s begins", info.activity_type)
        try:
            return await call()
        except BaseException as raised:
            error = words(raised)
            raise
        finally:
            seconds = round(clock.now() - at, 4)
            _log.debug(
                "%s took %.4f s%s", info.activity_type, seconds, f" and failed: {error}" if error else ""
            )
            # A local activity may take a second, and has nothing that its log line has not.
            work = begun or WORK.get()  # a tool's activity reads its input itself
            if keep is not None and not info.is_local and work is not None:
                about = DebugRecord(
                    id=f"{names.DEBUG_TEXT}{int(at * 1000):014d}-{uuid.uuid4().hex[:8]}",
                    turn=work.turn,
                    step=work.step,
                    activity=info.activity_type,
                    attempt=info.attempt,
                    at=at,
                    seconds=seconds,
                    trace=str(log_fields().get("trace_id", "")),
                    error=error,
                )
                await _keep(keep, work.session, about, recording)


async def _keep(
    keep: Callable[[str, DebugRecord], Awaitable[None]],
    session: str,
    about: DebugRecord,
    recording: Recording,
) -> None:
    """Write a record in limited time; the activity's own result counts, whatever becomes of the record."""
    try:
        async with asyncio.timeout(_SECONDS):
            await keep(session, await asyncio.to_thread(complete, about, recording))
    except Exception as error:  # noqa: BLE001 - such as JSON that is nested too deeply to be stored
        _log.warning("a record of debug mode was not written: %s", error)


def complete(about: DebugRecord, recording: Recording) -> DebugRecord:
    """The record without secrets, and small enough to be stored."""
    details: list[dict[str, Any]] = redact_value(recording.details)
    made = about.model_copy(update={"phases": tuple(recording.phases), "details": tuple(details)})
    whole, most = size(dump_json(details)), _LARGEST
    while size(dump_json(details)) > _LARGEST and most > 100:
        most //= 2
        details = [_shortened(each, most) for each in details]
    while details and size(dump_json(details)) > _LARGEST:
        details.pop(max(range(len(details)), key=lambda place: size(dump_json(details[place]))))
    cut = whole - size(dump_json(details))
    return made.model_copy(update={"details": tuple(details), "cut": cut}) if cut else made


def _shortened(value: Any, most: int) -> Any:
    """JSON data with its long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}…"
    if isinstance(value, dict):
        return {key: _shortened(item, most) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]  # any JSON
    if isinstance(value, list):
        return [_shortened(item, most) for item in value]  # pyright: ignore[reportUnknownVariableType]  # any JSON
    return value
