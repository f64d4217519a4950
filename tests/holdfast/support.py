"""A ToolContext as a worker would make it, and a way to see what a call does."""

from __future__ import annotations

import logging
from collections.abc import Callable

from holdfast import ToolContext


def context(
    heartbeat: Callable[[str], None] = lambda detail: None, cancelled: Callable[[], bool] = lambda: False
) -> ToolContext:
    return ToolContext(
        session="s1",
        tenant="acme",
        agent="a",
        key="s1:1:0",
        attempt=1,
        turn=1,
        step=1,
        log=logging.getLogger("tests"),
        _heartbeat=heartbeat,
        _cancelled=cancelled,
    )
