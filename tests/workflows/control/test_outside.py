"""Whatever arrives from outside, for every handler there is: it never fails a workflow task."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    ActivityFailureError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.client import WorkflowUpdateFailedError as UpdateFailed
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.workflow._definition import (
    _Definition,  # pyright: ignore[reportPrivateUsage] - the only list of handlers
)

import holdfast_workflows
from holdfast.testing import Reply, Request, say
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.inputs import UnknownNames

from ..conftest import Running, Start


def _json(text: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


def _of(encoding: bytes, data: bytes = b"") -> Payload:
    return Payload(metadata={"encoding": encoding}, data=data)


DEEP = "[" * 100_000 + "]" * 100_000
MESSAGE = '{"id": "%s", "text": "%s"}'

SHAPES: dict[str, list[Payload]] = {
    "nothing": [],
    "null": [_of(b"binary/null")],
    "a null in JSON": [_json("null")],
    "bytes": [_of(b"binary/plain", b"\x00\xff")],
    "an unknown encoding": [_of(b"binary/encrypted", b"\x00\xff")],
    "no encoding": [Payload(data=b"{}")],
    "an encoding that is no text": [_of(b"\xff\xfe", b"{}")],
    "a protobuf without its type": [_of(b"binary/protobuf", b"\x00")],
    "a protobuf in JSON of no known type": [
        Payload(metadata={"encoding": b"json/protobuf", "messageType": b"no.Such"}, data=b"{}")
    ],
    "broken JSON": [_json('{"id": "m"')],
    "empty JSON": [_json("")],
    "JSON that is no UTF-8": [_of(b"json/plain", b'"\xff"')],
    "deeply nested": [_json(DEEP)],
    "nested in a field": [_json(f'{{"id": "deep", "text": {DEEP}}}')],
    "a number": [_json("7")],
    "a negative number": [_json("-1")],
    "a number of 400 digits": [_json("9" * 400)],
    "not a number": [_json("NaN")],
    "infinity": [_json("-Infinity")],
    "true": [_json("true")],
    "a text": [_json('"text"')],
    "half a character": [_json(r'"\ud800"')],
    "half a character in fields": [_json(r'{"id": "\ud800", "text": "\udfff", "by": "\ud800"}')],
    "a list": [_json("[1]")],
    "an empty object": [_json("{}")],
    "an unknown object": [_json('{"wrong": {"x": [NaN]}}')],
    "an object with nulls": [_json('{"id": null, "text": null, "turn": null, "action": null, "steps": null}')],
    "a wrong turn": [_json('{"turn": "x", "seconds": NaN, "id": 5, "steps": "many"}')],
    "a turn without measure": [_json('{"turn": 1e300, "seconds": 1e400}')],
    "not a number in fields": [_json('{"turn": 1, "seconds": NaN, "steps": NaN, "dollars": NaN, "tokens": 1e400}')],
    "a megabyte": [_json(f'"{"x" * 1_000_000}"')],
    "a megabyte in fields": [_json(MESSAGE % ("i" * 1_000_000, "t"))],
    "two messages": [_json(MESSAGE % ("two", "t")), _json(MESSAGE % ("three", "t"))],
    "two numbers": [_json("1"), _json("2")],
    "two, of which one is unreadable": [_json("1"), _of(b"binary/encrypted", b"\x00")],
    "forty nulls": [_of(b"binary/null")] * 40,
}  # fmt: skip


def workflows() -> list[type]:
    """Every workflow there is in the package of workflows, found by looking."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(holdfast_workflows.__path__, "holdfast_workflows."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and _Definition.from_class(value) is not None:
                found[value.__name__] = value
    return [found[name] for name in sorted(found)]


def greet(_: Request) -> Reply:
    return say("Hello.")


def raw(payloads: Sequence[Payload]) -> list[RawValue]:
    return [RawValue(payload) for payload in payloads]


async def task_failures(handle: WorkflowHandle[Any, Any]) -> int:
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return len([event async for event in handle.fetch_history_events() if event.event_type == failed])


def typed(cause: BaseException | None) -> None:
    assert isinstance(cause, ApplicationError), cause
    assert cause.type in errors.tree(), cause


async def updated(handle: Any, name: str, shape: str) -> None:
    """Send an update; one that is refused is so by an error of ours."""
    try:
        async with asyncio.timeout(20):
            await handle.execute_update(name, args=raw(SHAPES[shape]))
    except UpdateFailed as failed:
        typed(failed.cause)
    except RPCError:
        pass  # the server itself refuses it


@pytest.mark.parametrize("name", ["load_agent", "read_log", "erase", "settle_turn", "look"])
async def test_an_activity_started_by_itself_with_a_wrong_shape_fails_at_once(
    start: Start, name: str
) -> None:
    async with start([]) as it:
        temporal = it.holdfast.temporal
        for shape in ("nothing", "null", "bytes", "two numbers", "forty nulls"):
            with pytest.raises(ActivityFailureError) as failed:
                async with asyncio.timeout(20):
                    await temporal.execute_activity(
                        name,
                        args=raw(SHAPES[shape]),
                        id=f"{it.holdfast.task_queue} {shape}",
                        task_queue=it.holdfast.task_queue,
                        start_to_close_timeout=timedelta(seconds=20),
                    )
            cause = failed.value.cause
            assert isinstance(cause, ApplicationError)
            assert (cause.type, cause.non_retryable) == (errors.BadInput.code, True), shape


async def queried(handle: Any, name: str, shape: str) -> None:
    with suppress(WorkflowQueryFailedError, RPCError):
        async with asyncio.timeout(20):
            await handle.query(name, args=raw(SHAPES[shape]))


def test_every_workflow_refuses_what_it_has_no_handler_for() -> None:
    assert {_Definition.must_from_class(each).name for each in workflows()} == names.OWN_WORKFLOWS
    assert all(issubclass(each, UnknownNames) for each in workflows())


def test_handlers_are_named_like_their_methods_by_which_their_parameters_are_found() -> None:
    for each in workflows():
        found = _Definition.must_from_class(each)
        for name in filter(None, [*found.signals, *found.updates, *found.queries]):
            assert callable(getattr(each, name)), (each, name)


_OF_SESSIONS = next(
    found for each in workflows() if (found := _Definition.must_from_class(each)).name == names.WORKFLOW
)
HANDLERS = sorted(
    (kind, name or "no_such_handler")
    for kind in ("signals", "updates", "queries")
    for name in getattr(_OF_SESSIONS, kind)
)
"""Those of a session, whose dynamic ones get every other name."""
ENDS = ("updates", "close")
"""It has no parameters, so the SDK drops what comes with it, and it ends the session that the others go to."""


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "while a turn waits"])
async def test_no_shape_of_any_input_fails_a_workflow_task(start: Start, busy: bool) -> None:
    async with start(greet) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        handle: Any = it.holdfast.temporal.get_workflow_handle(session.id)
        if busy:
            await session.pause()
            await handle.signal("post", {"id": "waits", "text": "This waits."})
        for kind, name in HANDLERS:
            if (kind, name) != ENDS:
                await tried(handle, kind, name)
        view = await session.view()
        if view.status == "paused":
            await session.resume()
        if view.handover is not None:  # an empty object is a valid handover
            await session.give_back()
        async with asyncio.timeout(60):
            assert (await session.send("Are you there?")).text == "Hello."
        await tried(handle, *ENDS)
        await handle.result()
        assert await task_failures(handle) == 0


async def tried(handle: Any, kind: str, name: str) -> None:
    """Send every shape to a handler."""
    for shape, payloads in SHAPES.items():
        if kind == "signals":
            await handle.signal(name, args=raw(payloads))
        elif kind == "queries":
            await queried(handle, name, shape)
        else:
            await updated(handle, name, shape)


async def test_a_start_of_any_shape_ends_with_a_typed_error(start: Start) -> None:
    async with start(greet) as it:
        ending = names.OWN_WORKFLOWS - {names.IDENTITY_WORKFLOW}  # it takes no input and never ends
        wrong = [(name, shape) for name in sorted(ending) for shape in SHAPES]
        for some in (wrong[:35], wrong[35:]):
            await asyncio.gather(*(starts(it, name, shape) for name, shape in some))


async def starts(it: Running, name: str, shape: str) -> None:
    handle: Any = await it.holdfast.temporal.start_workflow(
        name, args=raw(SHAPES[shape]), id=f"{name} {shape}", task_queue=it.holdfast.task_queue
    )
    try:
        async with asyncio.timeout(30):
            await handle.result()
    except WorkflowFailureError as failed:
        typed(failed.cause)
    assert await task_failures(handle) == 0
