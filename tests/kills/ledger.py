"""A ledger server in the test's process, in which tools record their effects.

Every posting is an attempt; an effect is booked once for each key. Looking is not recorded.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections import Counter
from typing import Self


class Ledger:
    """The ledger. What is booked stays when a worker dies.

    Attributes:
        attempts: How often each key was posted.
        effects: What was booked, by key.
        answering: While it is not set, postings are booked but not answered.
    """

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        self.effects: dict[str, str] = {}
        self.answering = asyncio.Event()
        self.answering.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def of(self, session: str) -> list[str]:
        """Return a session's booked effects."""
        return sorted(what for key, what in self.effects.items() if key.startswith(f"{session}-"))

    def tried(self, session: str) -> int:
        """Return the number of a session's attempts."""
        return sum(count for key, count in self.attempts.items() if key.startswith(f"{session}-"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The caller may be killed at any byte; then there is no request.
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            request = json.loads(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        if "what" in request:
            self.attempts[request["key"]] += 1
            self.effects.setdefault(request["key"], request["what"])
        await self.answering.wait()
        booked = list(self.effects)
        receipt = f"receipt {booked.index(request['key']) + 1}".encode() if request["key"] in booked else b""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(receipt), receipt))
        writer.close()


def post(url: str, key: str, what: str) -> str:
    """Book an effect unless its key is booked, and return the receipt."""
    return _ask(url, {"key": key, "what": what})


def look(url: str, key: str) -> str:
    """The receipt of a key; empty if nothing is booked under it."""
    return _ask(url, {"key": key})


def _ask(url: str, request: dict[str, str]) -> str:
    with urllib.request.urlopen(url, data=json.dumps(request).encode(), timeout=20) as answer:
        return str(answer.read().decode())
