"""A server that no worker ever met lacks Holdfast's search attributes; the client registers them where it may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio.client import Client

from holdfast_temporal import ensure_search_attributes
from holdfast_workflows.contracts.errors import SearchAttributesMissing

T = TypeVar("T")

_PAUSE: Final = 0.2
"""Seconds between attempts: a server may need some time to notice what was registered with it."""


async def with_attributes(
    temporal: Client, request: Callable[[], Coroutine[Any, Any, T]], seconds: float
) -> T:
    """Send a request that names search attributes; where the server lacks them, once it has them.

    Args:
        temporal: The client to register them with.
        request: Sends the request.
        seconds: How long the server may take to notice them.

    Raises:
        SearchAttributesMissing: The server does not let us register them; the detail is the command
            that an administrator runs.
    """
    try:
        return await request()
    except SearchAttributesMissing:
        await ensure_search_attributes(temporal)
    stop = time.monotonic() + seconds
    while True:
        try:
            return await request()
        except SearchAttributesMissing:
            if time.monotonic() > stop:
                raise
        await asyncio.sleep(_PAUSE)
