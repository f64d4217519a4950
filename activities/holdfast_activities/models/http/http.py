"""The one place that makes an HTTP client, and the one way a request goes out."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import httpx

from .. import limits
from ..errors import errors
from . import pool

CONNECT_TIMEOUT = 10.0
"""Seconds to reach a provider."""

SILENCE = 60.0
"""Seconds without a byte after which a stream that has begun counts as broken."""

_MAX_ERROR_BODY = 65_536  # bytes of an error that are read
_GRACE = 0.2  # seconds for the end of an answer that is whole: a connection that has it can be used again


def make_client() -> httpx.AsyncClient:
    """A client whose pool serves every provider. Proxies and certificates come from the environment as usual."""
    return pool.Client(timeout=CONNECT_TIMEOUT, follow_redirects=False)


class Endpoint:
    """One URL that takes POST requests; everything that does not change between requests is made here."""

    def __init__(
        self, client: httpx.AsyncClient, name: str, url: str, headers: Mapping[str, str], secret: str
    ) -> None:
        """An endpoint.

        Args:
            client: Where connections come from.
            name: What errors call it.
            url: Where requests go.
            headers: Sent with each request.
            secret: What must not appear in an error.
        """
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
        """Where requests go."""
        return str(self._url)

    async def post(self, body: bytes, seconds: float) -> tuple[bytes, httpx.Headers]:
        """The whole body of a successful answer, and its headers.

        Raises:
            ModelError: No answer within that many seconds.
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
        silence: float,
        take: Callable[[bytes], bool],
        whole: Callable[[], bool] = lambda: False,
    ) -> httpx.Headers:
        """Hand the body of a successful answer to ``take`` as it arrives, until it ends or ``take`` has it whole.

        Args:
            body: What to send.
            seconds: The time for all of it.
            silence: Seconds without a byte after which the answer counts as broken.
            take: Takes in bytes; returns whether the answer is whole.
            whole: Asked when the connection breaks; whether what came is the answer all the same.

        Returns:
            The answer's headers.

        Raises:
            ModelError: It did not arrive whole within that many seconds, or broke off.
        """
        timeouts = {
            "connect": min(CONNECT_TIMEOUT, seconds),
            "read": silence,
            "write": seconds,
            "pool": seconds,
        }
        headers = self._headers.copy()
        headers["content-length"] = str(len(body))
        # A stream given as such spares httpx the encoding step and the headers it would add.
        request = httpx.Request(
            "POST",
            self._url,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions={"timeout": timeouts},
        )
        begun: httpx.Headers | None = None
        try:
            async with asyncio.timeout(seconds) as limit:
                response = await self._client.send(request, stream=True)
                try:
                    if response.status_code != 200:
                        raise await self._refusal(response)
                    begun = response.headers
                    await _receive(response, take, limit)
                    return response.headers
                finally:
                    await response.aclose()
        # `from None`: the causes hold the request, whose headers hold the key.
        except TimeoutError:
            if begun is not None and whole():
                return begun
            raise errors.from_exception(self.name, TimeoutError(f"no answer within {seconds:g} s")) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            if begun is not None and whole():
                return begun
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
    """Hand on what arrives; once that is whole, how the connection ends is of no matter."""
    body = response.aiter_bytes()
    async for data in body:
        if take(data):
            limit.reschedule(None)
            with suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
                async with asyncio.timeout(_GRACE):
                    async for _ in body:
                        pass
            return
