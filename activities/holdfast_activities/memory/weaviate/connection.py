"""A connection to a Weaviate server that is opened at first use, and again after a failure."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx

from holdfast_workflows.contracts.errors import MemoryUnavailable
from holdfast_workflows.contracts.text.redaction import redact_error

from .answers import Shard, missing_tenant
from .library import AdditionalConfig, Timeout, WeaviateAsyncClient, WeaviateBaseError, use_async_with_custom
from .location import Location

T = TypeVar("T")

CALL_SECONDS = 10.0
"""Deadline of one call. The client's own timeouts are not enough, because it retries."""


@dataclass(eq=False, slots=True)
class _Channel:
    client: WeaviateAsyncClient
    users: int = 0
    dropped: bool = False


class Connection:
    """One client for all calls.

    After a call that failed or was cancelled, the next one opens a new client: a channel to a dead server looks
    healthy for minutes. The old client is closed when its last call has ended, because closing it cancels them.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._opening = asyncio.Lock()
        self._channel: _Channel | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[WeaviateAsyncClient]:
        """Use the client for one call.

        Raises:
            MemoryUnavailable: The server or the network failed, or the call took over ``CALL_SECONDS``.
        """
        channel: _Channel | None = None
        try:
            async with asyncio.timeout(CALL_SECONDS):
                channel = await self._open()
                channel.users += 1
                try:
                    yield channel.client
                finally:
                    channel.users -= 1
        except (WeaviateBaseError, httpx.HTTPError, OSError) as error:
            self._drop(channel)
            late = f"no answer within {CALL_SECONDS:.0f} s"
            cause = late if isinstance(error, TimeoutError) else _cause(error)
            raise MemoryUnavailable(f"{self._address}: {cause}") from error
        except asyncio.CancelledError:
            self._drop(channel)
            raise
        finally:
            if channel is not None and channel.dropped and not channel.users:
                self._close_later(channel.client)

    async def ask(self, generation: str, key: str, ask: Callable[[Shard], Awaitable[T]], empty: T) -> T:
        """Run requests for the tenant with a key; return ``empty`` if it does not exist."""
        async with self.client() as client:
            try:
                return await ask(
                    client.collections.use(generation, skip_argument_validation=True).with_tenant(key)
                )
            except WeaviateBaseError as error:
                if missing_tenant(error):
                    return empty
                raise

    async def tenant_keys(self, generation: str) -> list[str]:
        """Return the keys of all tenants that were ever written to, sorted."""
        async with self.client() as client:
            return sorted(await client.collections.use(generation).tenants.get())

    async def close(self) -> None:
        """Close the connection. A later call opens it again."""
        channel, self._channel = self._channel, None
        if channel is not None and not channel.users:
            self._close_later(channel.client)
        elif channel is not None:
            channel.dropped = True
        if self._closing:
            await asyncio.wait(self._closing)

    @property
    def _address(self) -> str:
        return f"{self._location.host}:{self._location.port}"

    async def _open(self) -> _Channel:
        async with self._opening:
            if self._channel is None:
                client = _client(self._location)
                try:
                    await client.connect()
                except BaseException as error:
                    self._close_later(client)
                    if isinstance(error, KeyError | ValueError):
                        raise MemoryUnavailable(f"{self._address} is not a Weaviate server") from error
                    raise
                self._channel = _Channel(client)
            return self._channel

    def _drop(self, channel: _Channel | None) -> None:
        if channel is not None:
            channel.dropped = True
            self._channel = None if self._channel is channel else self._channel

    def _close_later(self, client: WeaviateAsyncClient) -> None:
        """Close in the background: the caller may be cancelled or wait for its answer."""

        async def close() -> None:
            with suppress(WeaviateBaseError, httpx.HTTPError, OSError):  # the client may be broken
                await client.close()

        task = asyncio.ensure_future(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _client(location: Location) -> WeaviateAsyncClient:
    return use_async_with_custom(
        http_host=location.host,
        http_port=location.port,
        http_secure=location.secure,
        grpc_host=location.grpc_host,
        grpc_port=location.grpc_port,
        grpc_secure=location.secure,
        auth_credentials=location.api_key or None,
        additional_config=AdditionalConfig(
            timeout=Timeout(query=CALL_SECONDS, insert=CALL_SECONDS, init=CALL_SECONDS)
        ),
        skip_init_checks=True,  # they ask PyPI for a newer client
    )


def _cause(error: BaseException) -> str:
    """Return the first line of an error; gRPC errors continue with a dump of the channel."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details = next((line for line in lines if line.startswith("details =")), lines[0] if lines else "")
    return redact_error(f"{type(error).__name__}: {details}")
