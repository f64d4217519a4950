"""A connection to a Weaviate server that is opened at first use, and anew after a failure."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from holdfast_workflows.contracts.errors import MemoryUnavailable
from holdfast_workflows.contracts.text.unicode import redact

from .library import AdditionalConfig, Timeout, WeaviateAsyncClient, WeaviateBaseError, use_async_with_custom
from .location import Location

CALL_SECONDS = 10.0
"""How long one call may take. The client's own timeouts do not bound it: it waits and tries again."""


@dataclass(eq=False, slots=True)
class _Held:
    client: WeaviateAsyncClient
    users: int = 0
    dropped: bool = False


class Connection:
    """One client for all calls.

    After a call that failed or was cut off, the next one gets a new client: a channel to a server
    that has gone without a word looks healthy for minutes. The old one is closed when the last call that
    uses it has ended, since closing it would cancel them.
    """

    def __init__(self, location: Location) -> None:
        """A connection to ``location``, not opened yet."""
        self._location = location
        self._opening = asyncio.Lock()
        self._held: _Held | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[WeaviateAsyncClient]:
        """The client for one call.

        Raises:
            MemoryUnavailable: Whatever the call raised of the server's or the network's making, or that
                it took over ``CALL_SECONDS``.
        """
        held: _Held | None = None
        try:
            async with asyncio.timeout(CALL_SECONDS):
                held = await self._open()
                held.users += 1
                try:
                    yield held.client
                finally:
                    held.users -= 1
        except TimeoutError as error:
            self._drop(held)
            raise MemoryUnavailable(f"no answer from {self._place} within {CALL_SECONDS:.0f} s") from error
        except (WeaviateBaseError, httpx.HTTPError, OSError) as error:
            self._drop(held)
            raise MemoryUnavailable(f"{self._place}: {_cause(error)}") from error
        except asyncio.CancelledError:
            self._drop(held)
            raise
        finally:
            if held is not None and held.dropped and not held.users:
                self._close_later(held.client)

    async def close(self) -> None:
        """Close it; a call after that opens it anew."""
        held, self._held = self._held, None
        if held is not None and not held.users:
            self._close_later(held.client)
        elif held is not None:
            held.dropped = True
        if self._closing:
            await asyncio.wait(self._closing)

    @property
    def _place(self) -> str:
        return f"{self._location.host}:{self._location.port}"

    async def _open(self) -> _Held:
        async with self._opening:
            if self._held is None:
                client = _client(self._location)
                try:
                    await client.connect()
                except (KeyError, ValueError) as error:
                    self._close_later(client)
                    raise MemoryUnavailable(f"what answers at {self._place} is no Weaviate server") from error
                except BaseException:
                    self._close_later(client)
                    raise
                self._held = _Held(client)
            return self._held

    def _drop(self, held: _Held | None) -> None:
        if held is not None:
            held.dropped = True
            self._held = None if self._held is held else self._held

    def _close_later(self, client: WeaviateAsyncClient) -> None:
        """Not awaited where it happens: there a call is being cancelled, or waits for its answer."""
        task = asyncio.ensure_future(_close(client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(client: WeaviateAsyncClient) -> None:
    with suppress(WeaviateBaseError, httpx.HTTPError, OSError):  # broken, which is why it is being closed
        await client.close()


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
    """The first line of what went wrong; gRPC's errors go on with a dump of the channel."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details = next((line for line in lines if line.startswith("details =")), lines[0] if lines else "")
    return redact(f"{type(error).__name__}: {details}")
