"""Servers on loopback, and an internet that leads to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpcore

from holdfast import HttpTool
from holdfast_activities.tools.contract_tool import ContractTool
from holdfast_activities.tools.http.tool import http_tool
from tests.holdfast.support import context

PUBLIC = "93.184.215.14"


@dataclass
class Asked:
    """A request that a site received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Site:
    """A server. ``answer`` returns the response's bytes; ``pieces`` are sent with pauses of the event loop."""

    answer: Callable[[Asked], bytes | Iterable[bytes]] = lambda asked: response(b"hello")
    asked: list[Asked] = field(default_factory=list[Asked])
    port: int = 0
    hangs: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, path, headers, body))
            found = self.answer(self.asked[-1])
            for piece in [found] if isinstance(found, bytes) else found:
                writer.write(piece)
                await writer.drain()
            if self.hangs:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def site(
    answer: Callable[[Asked], bytes | Iterable[bytes]] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    hangs: bool = False,
) -> AsyncGenerator[Site]:
    found = Site(hangs=hangs)
    if answer is not None:
        found.answer = answer
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


def response(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body


class Internet(httpcore.AsyncNetworkBackend):
    """The far end of the network: public addresses lead to their sites, every other one to the canary."""

    def __init__(self, canary: Site, sites: Mapping[str, Site], peer: str = "") -> None:
        self._canary = canary
        self._sites = sites
        self._peer = peer
        self._real = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self.connected: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - of httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append((host, port))
        to = self._sites.get(host, self._canary)
        stream = await self._real.connect_tcp("127.0.0.1", to.port, timeout)
        return _Seen(stream, (self._peer or host, port))


class _Seen(httpcore.AsyncNetworkStream):
    """A stream that reports the address that was connected to."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, peer: tuple[str, int]) -> None:
        self._stream = stream
        self._peer = peer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - see above
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - see above
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return await self._stream.start_tls(*args, **kwargs)

    def get_extra_info(self, info: str) -> Any:
        return self._peer if info == "server_addr" else self._stream.get_extra_info(info)


class Names:
    """A DNS server: each query takes the next answer of a name, the last one stays."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._answers = {name: list(each) for name, each in answers.items()}
        self.queries: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.queries.append(host)
        answers = self._answers.get(host.rstrip("."))
        if answers is None:
            return [PUBLIC]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def bound(tool: HttpTool, names: Names, internet: httpcore.AsyncNetworkBackend | None = None) -> ContractTool:
    return http_tool(tool.spec, cast("Any", tool.settings), names, internet)


async def get(binding: ContractTool, url: str, **more: Any) -> str:
    return await binding.call({"asked": _arguments(url, more)}, context())


def _arguments(url: str, more: Mapping[str, Any]) -> Any:
    from holdfast_workflows.contracts.tools.http import HttpArguments

    return HttpArguments(url=url, **more)
