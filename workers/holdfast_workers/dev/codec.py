"""The codec server of ``holdfast dev``, through which the embedded UI shows encrypted runs.

It listens on this machine only. The embedded server has no login, so the UI's pages prove themselves by a random
token in the server's address.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from holdfast_temporal import Connection
from holdfast_temporal.codec_server.access import Access, hash_of
from holdfast_temporal.codec_server.server import CodecServer

_HOST = "127.0.0.1"


@dataclass
class DevCodec:
    """A running codec server; ``endpoint`` is its address for the UI."""

    server: CodecServer
    endpoint: str

    @classmethod
    async def start(cls, connection: Connection) -> DevCodec | None:
        """Start it; None without keys.

        Raises:
            KeysInvalid: The keys cannot be used.
        """
        keyring = connection.keyring()
        if keyring is None:
            return None
        token = secrets.token_urlsafe(32)
        access = Access({"ui": hash_of(token)}, frozenset({connection.namespace}), token_in_path=True)
        server = CodecServer(keyring, access)
        port = await server.listen(_HOST, 0)
        return cls(server, f"http://{_HOST}:{port}/{token}")

    def allow(self, ui: str) -> None:
        """Let the UI's pages use it."""
        self.server.access.origins |= {ui, ui.replace(_HOST, "localhost")}
