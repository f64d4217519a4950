"""What a failed exchange with a server means: not sent, refused, or of unknown outcome."""

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import cast

import httpx2
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED

from holdfast_activities.resilience.classify import words
from holdfast_workflows.contracts.text.redaction import redact_error

from .elicitation import Inputs

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
"""Errors before a request left."""

DENIED = frozenset({401, 403})
NOT_DONE = frozenset({*DENIED, 404, 408, 429, 503})
"""HTTP statuses of requests that the server did not carry out. Others from 500 on leave it open."""

_CLOSED = "Connection closed"


@dataclass
class Exchange:
    """The HTTP answer to the present request: its status, how long to wait in seconds, and a transport's error.

    ``inputs`` answer the server's questions during a call.
    """

    status: int = 0
    retry_after: float | None = None
    error: Exception | None = None
    inputs: Inputs | None = None

    def answered(self, response: httpx2.Response) -> None:
        """Record an answer that refuses the request."""
        if response.status_code >= 400:
            self.status = response.status_code
            after = response.headers.get("retry-after", "")
            self.retry_after = float(after) if after.isdigit() else None

    @property
    def sent(self) -> bool:
        """Whether the server may have carried the request out."""
        if self.error is not None:
            return not isinstance(self.error, NOT_SENT)
        return self.status not in NOT_DONE


EXCHANGE: ContextVar[Exchange] = ContextVar("EXCHANGE")
"""Set by a caller; the transport sends each request in the context of its caller."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The errors within exception groups, which task groups raise."""
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from causes(each)
    else:
        yield error


def reason(error: BaseException) -> str:
    """The first cause in words, without secrets."""
    first = next(causes(error))
    return redact_error(first.message if isinstance(first, MCPError) else words(first))


def connection_lost(error: BaseException) -> bool:
    """Whether the connection ended before the answer."""
    # Servers use the code for errors of their own.
    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED and error.message == _CLOSED
