"""The other end of each channel: a chat and a pager by HTTP, and a mail server."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_string, policy

_HEAD = re.compile(r"(CRITICAL|WARNING|RESOLVED) (\w+)")


@dataclass(frozen=True)
class Message:
    """A message that arrived."""

    at: float
    channel: str
    alert: str
    resolved: bool
    text: str


@dataclass
class Receivers:
    """What arrived so far."""

    messages: list[Message] = field(default_factory=list[Message])
    heartbeats: int = 0

    def channels(self, alert: str, *, resolved: bool, since: float) -> list[str]:
        """The channels by which an alert arrived."""
        found = {
            m.channel for m in self.messages if (m.alert, m.resolved) == (alert, resolved) and m.at >= since
        }
        return sorted(found)

    def _take(self, channel: str, text: str) -> None:
        for word, alert in _HEAD.findall(text)[:1]:
            self.messages.append(Message(time.time(), channel, alert, word == "RESOLVED", text))

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = int(next(iter(re.findall(r"(?i)content-length: (\d+)", head)), "0"))
                body = json.loads(await reader.readexactly(length) or b"{}")
                path = head.split()[1]
                if path == "/heartbeat":
                    self.heartbeats += 1
                elif path == "/chat":
                    self._take("chat", json.dumps(body["attachments"][0], ensure_ascii=False))
                elif path == "/pager":
                    self._pager(body)
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    def _pager(self, body: dict[str, object]) -> None:
        text = json.dumps(body, ensure_ascii=False)
        if body["event_action"] == "resolve":  # PagerDuty finds the incident by its key, not by a text
            key = str(body["dedup_key"])
            first = next(each for each in self.messages if key in each.text)
            self.messages.append(Message(time.time(), "pager", first.alert, resolved=True, text=text))
        else:
            self._take("pager", text)

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while line := (await reader.readuntil(b"\r\n")).decode().upper():
                if line.startswith("DATA"):
                    writer.write(b"354 go on\r\n")
                    mail = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    parsed = message_from_string(mail, policy=policy.default)
                    self._take("e-mail", f"{parsed['Subject']}\n{mail}")
                writer.write(b"221 bye\r\n" if line.startswith("QUIT") else b"250 ok\r\n")
                await writer.drain()
                if line.startswith("QUIT"):
                    break
        writer.close()


@asynccontextmanager
async def receivers(http: int, smtp: int) -> AsyncGenerator[Receivers]:
    """The servers on these ports, for the length of the block."""
    found = Receivers()
    servers = [
        await asyncio.start_server(found._http, "127.0.0.1", http, limit=1 << 24),  # noqa: SLF001 # of this module
        await asyncio.start_server(found._smtp, "127.0.0.1", smtp, limit=1 << 24),  # noqa: SLF001 # of this module
    ]
    try:
        yield found
    finally:
        for server in servers:
            server.close()
