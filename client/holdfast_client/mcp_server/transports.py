"""Serve over standard input and output, or over HTTP."""

import secrets
from typing import Any

import uvicorn
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from .agents import AgentServer

_LOCAL = ("127.0.0.1", "localhost", "::1")


async def serve_stdio(served: AgentServer) -> None:
    """Serve one client until the end of the input."""
    async with stdio_server() as (read, write):
        await served.server.run(read, write, served.server.create_initialization_options())


async def serve_http(served: AgentServer, host: str, port: int, token: str = "") -> None:
    """Serve at ``/mcp`` until a signal. With a ``token``, requests need it as bearer token.

    On a loopback address, names of other hosts are refused, by which web pages reach local servers.
    """
    config = uvicorn.Config(
        http_app(served, host, token), host=host, port=port, log_level="warning", lifespan="on"
    )
    await uvicorn.Server(config).serve()


def http_app(served: AgentServer, host: str, token: str = "") -> Any:
    """The ASGI app of ``serve_http``."""
    security = None if host in _LOCAL else TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = served.server.streamable_http_app(host=host, transport_security=security)
    return WithToken(app, token) if token else app


class WithToken:
    """Refuses requests without the token, before anything else reads them."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(given, self._expected):
                headers = [(b"www-authenticate", b"Bearer")]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)
