"""Exporting a session to a bundle."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

from temporalio.exceptions import TemporalError

from holdfast_client.operations import effects
from holdfast_client.operations.stored import content
from holdfast_client.requests.bounded import bounded
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.waiting import NO_EVENTS
from holdfast_temporal.histories.fetching import Run, runs
from holdfast_temporal.histories.redacting import redact_message
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError, NoWorker, ServiceError, TemporalUnreachable
from holdfast_workflows.contracts.operations.debugging import Configuration, ReadConfiguration
from holdfast_workflows.contracts.session.session import SessionView, TurnView
from holdfast_workflows.contracts.text.redaction import redact_value

from . import debug_mode
from .bundle import About, BundleWriter

T = TypeVar("T")

_LATE: Final = 10.0
"""Seconds for the first answers of a worker; a session whose workers are dead is exported, too."""


async def export(requests: Requests, session: str, path: Path) -> About:
    """Write a session to a file, without secrets; what workers cannot answer is left out and listed."""
    await requests.expect_visible(session)
    writer = BundleWriter(path)
    try:
        about = await _write(requests, session, writer)
    except BaseException:
        writer.discard()
        raise
    return about


async def _write(requests: Requests, session: str, writer: BundleWriter) -> About:
    missing: list[str] = []
    found = (await requests.describe(session)).raw_description
    await _add_runs(requests, session, found.workflow_execution_info.execution.run_id, writer, missing)
    redact_message(found)
    writer.add_description(found)

    for name, read in _PARTS.items():
        try:
            value = redact_value(await read(requests, session))
        except HoldfastError as error:
            missing.append(f"{name}: {error}")
            if isinstance(error, NoWorker | TemporalUnreachable):  # the others would wait, too
                none = "no worker" if isinstance(error, NoWorker) else "no Temporal server"
                missing += [f"{each}: {none}" for each in list(_PARTS)[list(_PARTS).index(name) + 1 :]]
                break
            continue
        if isinstance(value, list):
            writer.add_lines(name, value)  # pyright: ignore[reportUnknownArgumentType]  # any JSON
        else:
            writer.add(name, value)
    about = About(
        session=session,
        exported=time.time(),
        holdfast=version("holdfast"),
        namespace=requests.temporal.namespace,
        missing=tuple(missing),
    )
    writer.finish(about)
    return about


async def _add_runs(
    requests: Requests, session: str, run_id: str, writer: BundleWriter, missing: list[str]
) -> None:
    read: list[Run] = []
    try:
        async for run in runs(requests.temporal, session, run_id):
            read.insert(0, run)
    except TemporalError as error:
        raise translate(error, session) from error
    if not all(run.complete for run in read):
        missing.append("parts of the history: they are encrypted with keys that are not here")
    for place, run in enumerate(read, 1):
        for event in run.events:
            redact_message(event)
        writer.add_run(place, run)


async def _turns(requests: Requests, session: str) -> list[Any]:
    found = await _in_time(content.stored_turns(requests, session, 1))
    running = found[-1].turn + 1 if found else 1
    with suppress(HoldfastError):  # its workflow task may fail, which is why it is exported
        # The session has the whole errors of its recent turns, and the one that runs.
        found = await _in_time(_collected(content.turns(requests, session, running)))
    return [_plain(each) for each in found]


async def _collected(turns: AsyncIterable[TurnView]) -> tuple[TurnView, ...]:
    return tuple([each async for each in turns])


async def _view(requests: Requests, session: str) -> Any:
    try:
        return _plain(await _in_time(requests.query(session, "view", 0, SessionView)))
    except NoWorker as error:
        # Workers have just answered, so it is the session that does not.
        raise ServiceError(f"the session does not answer: {error}") from error


async def _log(requests: Requests, session: str) -> list[Any]:
    entries = content.log(requests, session)
    return [_plain(await content.whole(requests, session, each)) async for each in entries]


async def _prompts(requests: Requests, session: str) -> list[Any]:
    """The manifests, each with the instructions that its prompt had; those of a turn are the same."""
    found: list[Any] = []
    texts: dict[tuple[int, str], str] = {}
    async for manifest in content.prompts(requests, session):
        key = manifest.turn, manifest.spec
        if key not in texts:
            whole = await content.prompt_at(requests, session, manifest.seq)
            texts[key] = whole.instructions if whole else ""
        found.append(_plain(manifest.model_copy(update={"instructions": texts[key]})))
    return found


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json")


async def _effects(requests: Requests, session: str) -> list[Any]:
    return [_plain(each) for each in await effects.effects(requests, session)]


async def _state(requests: Requests, session: str) -> list[Any]:
    return [asdict(each) for each in await content.values(requests, session)]


async def _debug(requests: Requests, session: str) -> list[Any]:
    """The records of debug mode; nothing if the session never was in it, since they need the role operator."""
    view = await requests.query(session, "view", NO_EVENTS, SessionView)
    if view.debug is None:
        return []
    return [_plain(each) async for each in debug_mode.records(requests, session)]


async def _configuration(requests: Requests, session: str) -> Any:
    request = ReadConfiguration(session=session)
    return _plain(await requests.activity(names.READ_CONFIGURATION, request, Configuration, session=session))


async def _in_time(call: Coroutine[Any, Any, T]) -> T:
    try:
        return await bounded(call, _LATE)
    except TimeoutError as error:
        raise NoWorker(str(error)) from error


_PARTS: Final[dict[str, Callable[[Requests, str], Awaitable[Any]]]] = {
    "turns": _turns,
    "view": _view,
    "log": _log,
    "prompts": _prompts,
    "effects": _effects,
    "state": _state,
    "configuration": _configuration,
    "debug": _debug,
}
"""What workers answer. The first one shows whether there are any."""
