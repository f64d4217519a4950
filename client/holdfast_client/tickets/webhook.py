"""The HTTP server that takes results from other systems: ``POST /tickets/TOKEN`` with the result as body."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast_client.client import Client
from holdfast_workflows.contracts.errors import (
    BadInput,
    HoldfastError,
    MessageTooLarge,
    NothingToDo,
    NotPermitted,
    SessionClosed,
    SessionNotFound,
)
from holdfast_workflows.contracts.limits import MAX_MESSAGE
from holdfast_workflows.contracts.text.unicode import preview

_STATUS: Final[dict[type[HoldfastError], int]] = {
    NothingToDo: 410,
    SessionClosed: 410,
    SessionNotFound: 404,
    NotPermitted: 404,
    BadInput: 400,
    MessageTooLarge: 413,
}
"""The HTTP status of each refusal; 503 for all others, which a sender may try again."""


async def serve(client: Client, host: str, port: int) -> None:
    """Serve until a signal."""
    config = uvicorn.Config(http_app(client), host=host, port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


def http_app(client: Client) -> Any:
    """The ASGI app of ``serve``. The token in the path names the ticket and proves the sender's right."""

    async def settle(request: Request) -> Response:
        try:
            session, ticket = _place(request.path_params["token"])
            await client.session(session).settle(
                ticket,
                await _body(request),
                failed=_failed(request),
                by=preview(request.headers.get("user-agent", ""), 60),
                token=request.path_params["token"],
            )
        except HoldfastError as error:
            status = _STATUS.get(type(error), 503)
            # Not the error's text: the sender need not know about sessions.
            return JSONResponse({"settled": False, "error": error.code}, status_code=status)
        return JSONResponse({"settled": True})

    return Starlette(routes=[Route("/tickets/{token}", settle, methods=["POST"])])


def _place(token: str) -> tuple[str, str]:
    """The session and the ticket that a token names; the session checks the rest of it."""
    try:
        session, seq, _ = token.split(".")
        return urlsafe_b64decode(session + "=" * (-len(session) % 4)).decode(), f"ticket-{int(seq)}"
    except ValueError:
        raise SessionNotFound("the token is malformed") from None


def _failed(request: Request) -> bool:
    status = request.query_params.get("status", "ok")
    if status not in {"ok", "failed"}:
        raise BadInput(f"status={status!r}; use ok or failed")
    return status == "failed"


async def _body(request: Request) -> str:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_MESSAGE:
            raise MessageTooLarge(f"a result has at most {MAX_MESSAGE:,} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadInput("the result is not UTF-8") from None
