"""The HTTP client, and requests to one endpoint."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import httpx

from holdfast_activities.debugging.recording import RECORDING, phase
from holdfast_activities.tracing import spans

from .. import limits
from ..errors import errors
from . import pool

CONNECT_TIMEOUT = 10.0
"""Seconds to reach a provider."""

STREAM_TIMEOUT = 60.0
"""Seconds without a byte after which a stream counts as broken."""

_MAX_ERROR_BODY = 65_536  # bytes of an error that are read
_GRACE = 0.2  # seconds to wait for the end of a whole answer, so that its connection can be used again


def make_client() -> httpx.AsyncClient:
    """A client whose pool serves every provider. Proxies and certificates come from the environment as usual."""
    return pool.Client(timeout=CONNECT_TIMEOUT, follow_redirects=False)


class Endpoint:
    """One URL that takes POST requests."""

    def __init__(
        self, client: httpx.AsyncClient, name: str, url: str, headers: Mapping[str, str], secret: str
    ) -> None:
        """An endpoint; ``headers`` go with each request, errors show ``name`` and hide ``secret``."""
        self.name = name
        self.secret = secret
        self._client = client
        self._url = httpx.URL(url)
        self._headers = httpx.Headers(
            {
                "host": self._url.netloc.decode(),
                "content-type": "application/json",
                "accept-encoding": "identity",
                "user-agent": "holdfast",
                **headers,
            }
        )

    @property
    def url(self) -> str:
        """The URL that receives the requests."""
        return str(self._url)

    async def post(self, body: bytes, seconds: float) -> tuple[bytes, httpx.Headers]:
        """Return the whole body of a successful answer, and its headers.

        Raises:
            ModelError: The answer failed or took longer than ``seconds``.
        """
        received: list[bytes] = []

        def take(data: bytes) -> bool:
            received.append(data)
            return False

        headers = await self.send(body, seconds, seconds, take)
        return b"".join(received), headers

    async def send(
        self,
        body: bytes,
        seconds: float,
        pause: float,
        take: Callable[[bytes], bool],
        whole: Callable[[], bool] = lambda: False,
    ) -> httpx.Headers:
        """Pass the body of a successful answer to ``take`` as it arrives; return the answer's headers.

        Args:
            body: The request's body.
            seconds: The time limit for the whole exchange.
            pause: Seconds without a byte after which the answer counts as broken.
            take: Gets bytes; returns whether the answer is whole.
            whole: Called if the connection breaks; returns whether the answer is whole nevertheless.

        Raises:
            ModelError: The answer failed, took longer than ``seconds`` or broke off.
        """
        connect = min(CONNECT_TIMEOUT, seconds)
        timeouts = {"connect": connect, "read": pause, "write": seconds, "pool": seconds}
        headers = self._headers.copy()
        headers["content-length"] = str(len(body))
        headers.update(spans.headers())
        # With a ready stream httpx skips the encoding step and its own headers.
        request = httpx.Request(
            "POST",
            self._url,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions={"timeout": timeouts},
        )
        headers_received: httpx.Headers | None = None
        try:
            async with asyncio.timeout(seconds) as limit:
                with phase("until the answer begins"):
                    response = await self._client.send(request, stream=True)
                if (recording := RECORDING.get()) is not None:
                    recording.http(request, response)
                try:
                    if response.status_code != 200:
                        raise await self._refusal(response)
                    headers_received = response.headers
                    await _receive(response, take, limit)
                    return response.headers
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            if headers_received is not None and whole():
                return headers_received
            if isinstance(error, TimeoutError):
                error = TimeoutError(f"no answer within {seconds:g} s")
            # `from None`: the causes contain the request, whose headers contain the key.
            raise errors.from_exception(self.name, error, self.secret) from None

    async def _refusal(self, response: httpx.Response) -> Exception:
        body = b""
        async for data in response.aiter_bytes():
            body += data
            if len(body) > _MAX_ERROR_BODY:
                break
        error = errors.from_status(self.name, response.status_code, response.headers, body, self.secret)
        if response.status_code == 429 and error.retry_after is None:
            error.retry_after = limits.wait(response.headers)
        return error


async def _receive(response: httpx.Response, take: Callable[[bytes], bool], limit: asyncio.Timeout) -> None:
    """Pass on what arrives; after the answer is whole, the connection may end in any way."""
    body = response.aiter_bytes()
    async for data in body:
        if take(data):
            limit.reschedule(None)
            with suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
                async with asyncio.timeout(_GRACE):
                    async for _ in body:
                        pass
            return
