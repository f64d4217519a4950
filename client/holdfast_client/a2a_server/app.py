"""The HTTP server: each agent at its own path, with its card, by JSON-RPC and by HTTP with JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.server.routes import create_jsonrpc_routes, create_rest_routes
from a2a.server.routes.common import DefaultServerCallContextBuilder
from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from holdfast_client.client import Client
from holdfast_client.requests.tracing import continued
from holdfast_client.serving.callers import Callers
from holdfast_client.serving.tokens import LOCAL, WithToken, unauthorized
from holdfast_workflows.contracts.control.inbox import ItemKind
from holdfast_workflows.contracts.errors import HoldfastError, InvalidCredential

from .callers import Caller
from .cards import card
from .requests import CALLER, Requests

_LARGEST: Final = 4_000_000
"""Bytes of a request; a message has up to 1,000,000 bytes of text."""


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and for whom.

    ``client`` makes the requests for ``tenant`` and ``user``; ``Callers`` make each as the principal of its
    credential. ``kinds`` of questions are for clients that are not verified.
    """

    client: Client | Callers
    url: str
    agents: tuple[str, ...] = ()
    tenant: str = ""
    user: str = ""
    kinds: frozenset[ItemKind] = frozenset()
    secured: bool = False

    async def caller(self, agent: str, headers: Mapping[str, str]) -> Caller:
        """The caller of a request.

        Raises:
            InvalidCredential: It has no valid credential, where one is required.
        """
        if isinstance(self.client, Client):
            client, principal = self.client, None
        else:
            client = await self.client.client(headers.get("authorization", ""))
            principal = await client.whoami()
        queue = await client.task_queue()
        return Caller(client, queue, agent, self.tenant, self.user, principal, self.kinds)


async def serve(served: Served, host: str, port: int, token: str = "") -> None:
    """Serve until a signal. With a ``token``, requests need it as bearer token; cards do not."""
    config = uvicorn.Config(http_app(served, host, token), host=host, port=port, log_level="warning")
    await uvicorn.Server(config).serve()


def http_app(served: Served, host: str, token: str = "") -> Any:
    """The ASGI app of ``serve``."""
    agents = _Agents(served)
    app: Any = agents.requests
    if token:
        app = WithToken(app, token)
    return _Entry(agents, app, only_local=host in LOCAL)


class _Entry:
    """Answers requests for cards, and refuses what web pages send to local servers."""

    def __init__(self, agents: "_Agents", app: Any, *, only_local: bool) -> None:
        self._agents = agents
        self._app = app
        self._only_local = only_local

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        answer: Response | None = None
        if self._only_local and not _is_local(request.headers):
            answer = _error(403, "the request comes from another site")
        elif scope["path"].endswith(AGENT_CARD_WELL_KNOWN_PATH):
            answer = await self._agents.card(request)
        await (answer or self._app)(scope, _bounded(receive), send)


class _Agents:
    """The agents by path: ``/NAME``, or ``/`` if one agent is served."""

    def __init__(self, served: Served) -> None:
        self._served = served
        builder, requests = _Context(), Requests()
        self._app = Starlette(
            routes=[
                *create_jsonrpc_routes(requests, "/", builder, enable_v0_3_compat=True),
                *create_rest_routes(requests, builder, enable_v0_3_compat=True),
            ]
        )

    async def requests(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request to an agent."""
        name, path = self._place(scope["path"])
        headers = Request(scope).headers
        answer: Response | None = None
        try:
            caller = await self._served.caller(name, headers)
        except InvalidCredential:
            await unauthorized(send)
            return
        except HoldfastError as error:
            answer = _error(503, str(error))
        else:
            if not self._serves(name):
                answer = _error(404, f"no agent is named {name!r}")
            scope = {**scope, "path": path, "raw_path": path.encode(), "root_path": "", CALLER: caller}
        with continued(headers):
            await (answer or self._app)(scope, receive, send)

    async def card(self, request: Request) -> Response:
        """Answer a request for a card."""
        name, _ = self._place(request.url.path)
        try:
            caller = await self._served.caller(name, request.headers)
            agents = await caller.client.agents()
        except InvalidCredential:
            return Response(status_code=401, headers={"www-authenticate": "Bearer"})
        except HoldfastError as error:
            return _error(503, str(error))
        found = next((each for each in agents if each.name == name and self._serves(name)), None)
        if found is None:
            cards = [
                f"{self._url(each.name)}{AGENT_CARD_WELL_KNOWN_PATH}"
                for each in agents
                if self._serves(each.name)
            ]
            return JSONResponse({"error": "no agent is here", "cards": cards}, status_code=404)
        made = card(found, self._url(name), secured=self._served.secured)
        return JSONResponse(agent_card_to_dict(made))

    def _serves(self, name: str) -> bool:
        return bool(name) and (not self._served.agents or name in self._served.agents)

    def _place(self, path: str) -> tuple[str, str]:
        """The name of the agent at a path, and the path within it."""
        if len(self._served.agents) == 1:
            return self._served.agents[0], path or "/"
        name, _, rest = path.removeprefix("/").partition("/")
        return name, f"/{rest}"

    def _url(self, name: str) -> str:
        return self._served.url if len(self._served.agents) == 1 else f"{self._served.url}/{name}"


class _Context(DefaultServerCallContextBuilder):
    def build(self, request: Request) -> ServerCallContext:
        context = super().build(request)
        context.state[CALLER] = request.scope[CALLER]
        return context


def _bounded(receive: Any) -> Any:
    """Receive a body up to the limit."""
    left = _LARGEST

    async def bounded() -> Any:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"the request has more than {_LARGEST:,} bytes")
        return message

    return bounded


def _is_local(headers: Mapping[str, str]) -> bool:
    """Whether a request is for this machine, and not from a web page of another site."""
    origin = headers.get("origin")
    names = [urlsplit(f"//{headers.get('host', '')}").hostname]
    if origin is not None:
        names.append(urlsplit(origin).hostname)
    return all(name in LOCAL for name in names)


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status_code=status)
