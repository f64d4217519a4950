"""Serve over standard input and output, or over HTTP."""

from typing import Any

import uvicorn
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from holdfast_client.serving.tokens import LOCAL, WithToken

from .agents import AgentServer


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
    security = None if host in LOCAL else TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = served.server.streamable_http_app(host=host, transport_security=security)
    return WithToken(app, token) if token else app
