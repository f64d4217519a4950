"""A server at a URL: streamable HTTP, with bounded answers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.agent.mcp import McpServer

from .credentials import Resolved
from .failures import EXCHANGE, Exchange
from .stdio import LARGEST_MESSAGE

_TIMEOUT = httpx2.Timeout(30.0, read=None)
"""A call's own time-out ends the wait for its answer."""


_FAILED = 599
"""The status of an answer that stands for an error of the transport."""


@asynccontextmanager
async def http_streams(server: McpServer, resolved: Resolved) -> AsyncGenerator[TransportStreams]:
    """Connect, and yield the streams to the server. Redirects to another origin are not followed."""
    client = httpx2.AsyncClient(
        headers=dict(resolved.headers),
        timeout=_TIMEOUT,
        transport=_Transport(),
    )
    async with (
        client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=LARGEST_MESSAGE) as streams,
    ):
        yield streams


class _Transport(httpx2.AsyncHTTPTransport):
    """Records the outcome of each request for its caller, and ends answers that are too large.

    A failed request must not end the connection, which other calls share: it becomes an answer.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = EXCHANGE.get(Exchange())
        for name, value in spans.headers().items():
            request.headers.setdefault(name, value)
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError as error:
            if request.method != "POST":
                raise
            exchange.error = error
            return httpx2.Response(_FAILED)
        if request.method == "POST":
            exchange.answered(response)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Bounded(response.stream, exchange)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LARGEST_MESSAGE
        try:
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    raise httpx2.StreamError(f"the answer has more than {LARGEST_MESSAGE:,} bytes")
                yield chunk
        except httpx2.TransportError as error:
            self._exchange.error = error
            raise httpx2.StreamError(str(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()
