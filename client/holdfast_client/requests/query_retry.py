"""Retry queries that were lost with their worker.

The server hands a query to one worker and does not record it, so a killed worker loses its queries.
The server then does not answer, or reports the request as cancelled. Updates and activities need no
such retry: the server gives them to another worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio.service import RPCError, RPCStatusCode

from .bounded import bounded

T = TypeVar("T")

_ANSWER: Final = 5.0
"""Seconds after which a query counts as lost; doubles with each attempt."""

_PAUSE: Final = 0.1
"""Seconds before a query that is known to be lost is sent again."""

_LOST: Final = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})


async def query_with_retry(send: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Send a query until it is answered. The caller limits the time.

    Raises:
        RPCError: The server refused the query.
    """
    timeout = _ANSWER
    while True:
        try:
            return await bounded(send(), timeout)
        except TimeoutError:
            timeout *= 2
        except RPCError as error:
            if error.status not in _LOST:
                raise
            await asyncio.sleep(_PAUSE)
