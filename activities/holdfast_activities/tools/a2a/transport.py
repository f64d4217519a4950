"""Requests of the ``a2a`` package through the egress guard."""

from collections.abc import Mapping
from typing import cast

import httpcore
import httpx

from holdfast_activities.secrets import references
from holdfast_workflows.contracts.tools.a2a import A2aSettings

from ..http import backend
from ..http.exchange import Sent, exchange
from ..http.targets import AllowList, parse

_OF_CONNECTION = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent"}
)
_OF_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Guarded(httpx.AsyncBaseTransport):
    """Sends requests to the agent's origin, and to those that are declared; to addresses that have passed the check.

    The card of an agent names the URLs of its bindings, so none of them is trusted.
    """

    def __init__(self, settings: A2aSettings) -> None:
        self._settings = settings
        at = parse(settings.url)
        origins = (f"{at.scheme}://{at.authority}", *settings.allow)
        private = dict.fromkeys(origins, settings.private) if settings.private else {}
        self._allowed = AllowList(() if private else origins, private)
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its response.

        Raises:
            EgressRefused: The URL or an address is refused.
            httpx.ConnectError: The connection failed.
            httpx.ReadError: The connection failed later, or the response is too large.
        """
        target = self._allowed.read(str(request.url))
        content = await request.aread()
        try:
            response = await exchange(
                backend.PinnedBackend(target, backend.resolve, self._network),
                target,
                request.method,
                self._headers(request.headers),
                content or None,
                ca_file=self._settings.ca_file,
                most=self._settings.max_bytes,
                seconds=self._settings.request_timeout,
            )
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise httpx.ConnectError(f"no connection to {target.authority}: {error}") from None
        except Sent as error:
            raise httpx.ReadError(str(error)) from None
        if response.body.cut:
            raise httpx.ReadError(f"the response: {response.body.cut}")
        headers = {name: value for name, value in response.headers.items() if name not in _OF_BODY}
        return httpx.Response(response.status, headers=headers, content=response.body.data, request=request)

    def _headers(self, given: httpx.Headers) -> Mapping[str, str]:
        own = {name.lower(): references.fill(text) for name, text in self._settings.headers.items()}
        return {name: value for name, value in given.items() if name not in _OF_CONNECTION} | own
