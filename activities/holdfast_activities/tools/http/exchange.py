"""One request and its response over a connection of its own."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from holdfast_activities.tracing import spans

from . import body as bodies
from .backend import PinnedBackend
from .body import Body
from .targets import Target

USER_AGENT = "holdfast-http-tool"


@dataclass(frozen=True, slots=True)
class Response:
    """A response; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Body


class Sent(Exception):
    """The exchange failed after the request may have reached the server."""


@cache
def tls(ca_file: str) -> ssl.SSLContext:
    """The TLS context; authorities come from the file, or from certifi, never from the environment."""
    return (
        ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
    )


async def exchange(
    backend: PinnedBackend,
    target: Target,
    method: str,
    headers: Mapping[str, str],
    content: bytes | None,
    *,
    ca_file: str,
    most: int,
    seconds: float,
) -> Response:
    """Send one request and read its response up to ``most`` bytes.

    Raises:
        EgressRefused: The address is refused.
        ToolFailed: The host was not found.
        httpcore.ConnectError: No connection.
        httpcore.ConnectTimeout: No connection in time.
        Sent: The connection failed later.
    """
    scheme, host = target.scheme.encode(), target.host.strip("[]").encode()
    url = httpcore.URL(
        scheme=scheme, host=host, port=target.port, target=f"{target.path}{target.query}".encode()
    )
    everything = {
        "host": target.authority,
        "accept": "*/*",
        "accept-encoding": bodies.ACCEPTED,
        "user-agent": USER_AGENT,
        "connection": "close",
        **spans.headers(),
        **headers,
    }
    if content is not None:
        everything["content-length"] = str(len(content))
    request = httpcore.Request(
        method,
        url,
        headers=list(everything.items()),
        content=content,
        extensions={"timeout": dict.fromkeys(("connect", "read", "write"), seconds)},
    )
    context = tls(ca_file) if target.scheme == "https" else None
    connection = httpcore.AsyncHTTPConnection(
        httpcore.Origin(scheme, host, target.port), ssl_context=context, network_backend=backend
    )
    try:
        response = await connection.handle_async_request(request)
        try:
            return await _read(response, method, most)
        finally:
            await response.aclose()
    except (httpcore.ConnectError, httpcore.ConnectTimeout):
        raise
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise Sent(f"{type(error).__name__}: {error}".rstrip(": ")) from None
    finally:
        await connection.aclose()


async def _read(response: httpcore.Response, method: str, most: int) -> Response:
    received = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    chunks = response.aiter_stream()
    coding = received.get("content-encoding", "")
    body = Body(b"") if method == "HEAD" else await bodies.read(chunks, coding, most)
    return Response(response.status, received, body)
