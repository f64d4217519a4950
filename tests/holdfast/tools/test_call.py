"""Running tools: results as text, threads, cancellation."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import ToolContext, ToolError, tool

from ..support import context

WAIT = 20  # seconds; the bound of every wait here


@dataclasses.dataclass
class Point:
    x: int
    at: datetime


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (True, "true"),
        ([1, "ä"], '[1,"ä"]'),
        (float("nan"), "null"),
        (Path("a/b"), '"a/b"'),
        (Point(1, datetime(2026, 1, 2, tzinfo=UTC)), '{"x":1,"at":"2026-01-02T00:00:00Z"}'),
        (["\ud800\x00"], '["\\ud800\\u0000"]'),
    ],
)
async def test_a_result_becomes_text(value: object, text: str) -> None:
    @tool
    def give() -> object:
        """Give."""
        return value

    assert await give.call({}, context()) == text


@pytest.mark.parametrize("value", [object(), b"\xff", {"\ud800": 1}, threading.Lock()])
async def test_a_result_that_is_not_json_is_an_error_for_the_model(value: object) -> None:
    @tool
    async def give() -> object:
        """Give."""
        return value

    with pytest.raises(ToolError, match="cannot be written as JSON"):
        await give.call({}, context())


async def test_the_context_is_found_by_its_annotation_and_never_asked_of_the_model() -> None:
    @tool
    def who(to: str, about: ToolContext | None = None) -> str:
        """Who."""
        assert about is not None
        return f"{about.key} {to}"

    assert list(who.spec.parameters["properties"]) == ["to"]
    assert await who.call(who.validate('{"to": "x"}'), context()) == "s1:1:0 x"


async def test_functions_that_are_not_async_run_in_a_thread_with_the_context_variables() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("kept")

    @tool
    def where() -> list[object]:
        """Where."""
        return [variable.get(), threading.current_thread() is threading.main_thread()]

    assert json.loads(await where.call({}, context())) == ["kept", False]


async def test_a_wrapper_that_returns_a_coroutine_is_awaited() -> None:
    async def inner() -> str:
        return "done"

    @tool
    def outer() -> Awaitable[str]:
        """Outer."""
        return inner()

    assert await outer.call({}, context()) == "done"


async def test_a_cancelled_call_ends_only_when_its_thread_has() -> None:
    started, release, landed = threading.Event(), threading.Event(), threading.Event()

    @tool
    def slow() -> None:
        """Slow."""
        started.set()
        assert release.wait(WAIT)
        landed.set()

    call = asyncio.create_task(slow.call({}, context()))
    assert await asyncio.to_thread(started.wait, WAIT)
    for _ in range(3):  # an impatient caller changes nothing
        call.cancel()
        await asyncio.wait([call], timeout=0.02)
    assert not call.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, WAIT)
    assert landed.is_set()


async def test_a_call_cancelled_while_it_waits_for_a_thread_never_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from holdfast import threads

    release, ran = threading.Event(), threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        monkeypatch.setattr(threads, "_pool", pool)
        first = asyncio.create_task(threads.run_in_thread(lambda: release.wait(WAIT)))
        second = asyncio.create_task(threads.run_in_thread(ran.set))
        await asyncio.wait([first, second], timeout=0.02)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(second, WAIT)
        release.set()
        assert await asyncio.wait_for(first, WAIT)
    assert not ran.is_set()


async def test_a_function_sees_that_it_was_cancelled_and_can_end_early() -> None:
    @tool
    def careful(ctx: ToolContext) -> str:
        """Careful."""
        ctx.heartbeat("half way")
        return "stopped" if ctx.cancelled else "went on"

    said: list[str] = []
    assert await careful.call({}, context(said.append, lambda: True)) == "stopped"
    assert said == ["half way"]


def stop_iteration() -> None:
    raise StopIteration(1)


def leave() -> None:
    sys.exit(3)


async def leave_later() -> None:
    sys.exit(3)


async def cancelled_inside() -> None:
    inner = asyncio.ensure_future(asyncio.sleep(WAIT))
    inner.cancel()
    await inner


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (stop_iteration, RuntimeError),
        (leave, ToolError),
        (leave_later, ToolError),
        (cancelled_inside, RuntimeError),
    ],
)
async def test_what_would_hang_or_end_the_worker_is_an_ordinary_error(
    function: Callable[[], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await asyncio.wait_for(tool(function).call({}, context()), WAIT)


async def test_errors_of_the_function_come_out_as_they_are() -> None:
    @tool
    def fails() -> None:
        """Fails."""
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError, match="by zero"):
        await fails.call({}, context())


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.floats(),
        lambda i: st.lists(i) | st.dictionaries(st.text(), i),
        max_leaves=8,
    )
)
async def test_results_are_valid_json_that_encodes(value: object) -> None:
    @tool
    async def give() -> list[object]:
        """Give."""
        return [value]

    text = await give.call({}, context())
    text.encode()
    json.loads(text, parse_constant=pytest.fail)
