"""Connections to providers: the one used last is used first.

httpcore's own pool looks at every connection twice for each request and polls each idle one.
A request cost 1.3 ms of processor time alone and 6.7 ms among fifty; among two hundred none
was answered within ten seconds. Here a request looks at one connection (0.7 ms among fifty),
and unused connections expire at the other end.
"""

import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpcore
import httpx

IDLE_TIMEOUT = 55.0
"""Seconds until an idle connection is closed; many servers close theirs after a minute."""

Connection = httpcore.AsyncConnectionInterface


class Client(httpx.AsyncClient):
    """httpx's client on this pool. Connections to a proxy of the environment use httpx's own pool."""

    # With a transport as an argument httpx would ignore the environment's proxies.
    def _init_transport(self, verify: Any = True, *_: Any, **__: Any) -> httpx.AsyncBaseTransport:
        return _Transport(httpx.create_ssl_context(verify))


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        self._pool = Pool(ssl_context=context, keepalive_expiry=IDLE_TIMEOUT)


class Pool(httpcore.AsyncConnectionPool):
    """One connection per concurrent request; the worker's limits bound their number."""

    def __init__(
        self, ssl_context: ssl.SSLContext | None = None, keepalive_expiry: float = IDLE_TIMEOUT
    ) -> None:
        super().__init__(ssl_context=ssl_context, keepalive_expiry=keepalive_expiry)
        self._idle: defaultdict[tuple[bytes, bytes, int | None], deque[Connection]] = defaultdict(deque)
        self._closed = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request over the idle connection that was used last, or a new one."""
        url = request.url
        idle = self._idle[url.scheme, url.host, url.port]
        connection = await self._take(idle) or self.create_connection(url.origin)
        # httpcore closes a connection that fails, but not one whose request is cancelled after connecting
        # and before sending. Closing twice is harmless.
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise

        async def put_back() -> None:
            if self._closed or not connection.is_idle():
                await connection.aclose()
                return
            while idle and idle[0].has_expired():
                await idle.popleft().aclose()
            idle.append(connection)

        response.stream = _Body(response.stream, put_back)
        return response

    async def aclose(self) -> None:
        """Close idle connections; the others are closed with their answers."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                await idle.pop().aclose()

    async def _take(self, idle: deque[Connection]) -> Connection | None:
        while idle:
            connection = idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return None


class _Body:
    """An answer's body; closing it gives the connection back."""

    def __init__(self, stream: Any, put_back: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._stream = stream  # httpcore's types lack its aclose
        self._put_back: Callable[[], Coroutine[Any, Any, None]] | None = put_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Give the connection back, once."""
        put_back, self._put_back = self._put_back, None
        try:
            await self._stream.aclose()
        finally:  # a connection in the middle of an answer is closed
            if put_back is not None:
                await put_back()
