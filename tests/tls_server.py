"""A Temporal server behind TLS, as a hosted one is: the embedded server behind a proxy of this process."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class TlsServer:
    """``address`` is that of the proxy; the others are PEM files that clients need."""

    address: str
    ca: str
    cert: str
    key: str


@asynccontextmanager
async def tls_server(
    target: str, folder: Path, *, name: str = "127.0.0.1", client_certificates: bool = False
) -> AsyncGenerator[TlsServer]:
    """Serve ``target`` with TLS and a certificate for ``name``; with or without certificates of clients."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType] # it takes pyOpenSSL's contexts, too
    context.set_alpn_protocols(["h2"])
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType] # see above
    client = authority.issue_cert("client")
    ca, cert, key = (str(folder / file) for file in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(ca)
    client.cert_chain_pems[0].write_to_path(cert)
    client.private_key_pem.write_to_path(key)
    host, _, port = target.rpartition(":")
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield TlsServer(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", ca, cert, key)
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()  # TLS would wait for the other side
        with suppress(OSError):
            await writer.wait_closed()
