"""Registration of search attributes on a server that no worker has used yet."""

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
"""Seconds between attempts while the server loads new search attributes."""


async def with_attributes(
    temporal: Client, request: Callable[[], Coroutine[Any, Any, T]], seconds: float
) -> T:
    """Send a request; if the server lacks search attributes, register them and retry for so many seconds.

    Raises:
        SearchAttributesMissing: Registering is not permitted; the detail is the command for an
            administrator.
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
