"""A bearer token that every request needs."""

import secrets
from typing import Any

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""


class WithToken:
    """Refuses requests without the token, before anything else reads them."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(given, self._expected):
                await unauthorized(send)
                return
        await self._app(scope, receive, send)


async def unauthorized(send: Any) -> None:
    """Answer with status 401."""
    headers = [(b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
