"""Connections to checked addresses.

The name of a host is resolved once for each connection. The connection goes to the address that was checked, so
a DNS server that answers differently the next time changes nothing. TLS still checks the name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore

from holdfast_workflows.contracts.errors import ToolFailed

from .addresses import Address, check
from .refusals import refused
from .targets import Target

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_MOST: Final = 4
"""Addresses of one host that are tried."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(_text(sockaddr) for *_, sockaddr in found))


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to one target: to an address that has passed the check."""

    def __init__(self, target: Target, resolver: Resolver, inner: httpcore.AsyncNetworkBackend) -> None:
        self._target = target
        self._resolver = resolver
        self._inner = inner

    async def addresses(self) -> list[Address]:
        """Resolve the target's host and check every address; one that is refused refuses the host.

        Raises:
            EgressRefused: An address is not allowed.
            ToolFailed: The name has no address, or the resolver does not answer.
        """
        host, private = self._target.host.strip("[]"), self._target.private
        try:
            found = [ip_address(host)]
        except ValueError:
            found = await self._resolved(host)
        for address in found:
            check(address, host, private)
        return found

    async def _resolved(self, host: str) -> list[Address]:
        # The final dot keeps the resolver from adding search domains to a public name.
        name = host if self._target.private else f"{host}."
        try:
            found = [ip_address(text) for text in await self._resolver(name, self._target.port)]
        except OSError as error:
            again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            raise ToolFailed(f"host {host} was not found: {error}", retryable=again) from None
        if not found:
            raise ToolFailed(f"host {host} has no address", retryable=False)
        return found[:_MOST]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - of httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        failed: Exception | None = None
        for address in await self.addresses():
            try:
                stream = await self._inner.connect_tcp(str(address), port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
                continue
            await self._check_peer(stream, address)
            return stream
        assert failed is not None
        raise failed

    async def _check_peer(self, stream: httpcore.AsyncNetworkStream, address: Address) -> None:
        """Refuse a connection that reached another address, for example through a redirect of the socket."""
        peer = stream.get_extra_info("server_addr")
        if peer is None or ip_address(_text(peer)) != address:
            await stream.aclose()
            raise refused("peer", f"the connection to {address} reached {peer}", "tell the operator")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: URLs name hosts."""
        raise refused("scheme", "sockets of the file system are not allowed", "use https")


def _text(sockaddr: Sequence[Any]) -> str:
    """The address of a socket address, with its zone."""
    host = str(sockaddr[0])
    zone = sockaddr[3] if len(sockaddr) > 3 else 0
    return f"{host}%{zone}" if zone and "%" not in host else host
