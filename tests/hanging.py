"""Report what the tasks of a test wait for when it runs into its time limit."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Generator
from typing import Any, cast

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Add the stack of each pending task to the report."""
    try:
        return (yield)
    except pytest.fail.Exception as failure:
        if "Timeout" in str(failure):
            item.add_report_section("call", "pending tasks", _stacks())
        raise


def _stacks() -> str:
    text = io.StringIO()
    # `asyncio.all_tasks` needs the loop of the test, which has stopped.
    for each in gc.get_objects():
        if isinstance(each, asyncio.Task):
            task = cast("asyncio.Task[Any]", each)  # type: ignore[redundant-cast] # pyright needs it
            if not task.done():
                task.print_stack(file=text)
    return text.getvalue()
