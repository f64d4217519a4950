"""Questions to a session's worker, asked again where the worker died with them.

The server gives a query to one worker and keeps no note of it: a worker that is killed takes
the questions it was given with it. Of those the server says nothing, or that the request was
cancelled, which nobody did. Updates and activities need no such care; the server gives them
to another worker by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio.service import RPCError, RPCStatusCode

from .bounded import bounded

T = TypeVar("T")

_ANSWER: Final = 5.0
"""Seconds after which a question is taken for lost; the next one has twice as long."""

_PAUSE: Final = 0.1
"""Seconds until a question is asked again that is known to be lost."""

_LOST: Final = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})


async def ask(question: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The answer to a question, however often it has to be asked; the caller bounds the wait.

    Args:
        question: Sends the query.

    Raises:
        RPCError: The server refused the question.
    """
    wait = _ANSWER
    while True:
        try:
            return await bounded(question(), wait)
        except TimeoutError:
            wait *= 2
        except RPCError as error:
            if error.status not in _LOST:
                raise
            await asyncio.sleep(_PAUSE)
