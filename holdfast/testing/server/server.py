"""The scripted model's server."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Self

from ..replies import anthropic, forms, openai
from ..replies.faults import Fault
from ..replies.replies import Reply, failed, reset
from . import embeddings
from .embeddings import Embed, hashed
from .http import Connection
from .requests import Request, Seen
from .spawn import SpawnedModel, spawn

Script = Sequence[Reply | Fault] | Callable[[Request], Reply | Fault | Awaitable[Reply]]

_WIRES = {"openai": openai, "anthropic": anthropic}
_MAX_BODY = 65_536
_MAX_BODIES = 1_000
_JSON = {"content-type": "application/json"}
_COPIED = ("number", "path", "conversation", "results", "at", "monotonic")


class ScriptedModel:
    """A model that answers by a script; a server in the running event loop.

    ``requests`` are the requests received, in order, with the last 1,000 bodies of up to 64 KiB.
    ``embedded`` are the texts of each request for embeddings, which ``requests`` does not contain.
    """

    def __init__(self, script: Script, *, port: int = 0, embed: Embed = hashed) -> None:
        """A server for ``script``; port 0 takes a free one. ``embed`` returns vectors or a fault."""
        self.requests: list[Seen] = []
        self.embedded: list[list[str]] = []
        self._script = script
        self._embed = embed
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._with_body: deque[int] = deque()
        self._dead: Reply | None = None

    async def __aenter__(self) -> Self:
        """Start serving on loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._take, self._connections), "127.0.0.1", self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop serving; unfinished answers are dropped."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()

    @property
    def url(self) -> str:
        """The server's root: the base URL in Anthropic form."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        """The base URL in OpenAI form."""
        return f"{self.url}/v1"

    def dead(self, *, drop: bool = False) -> None:
        """From now on answer 503, or with ``drop`` break each connection; requests are recorded all the same."""
        self._dead = replace(reset() if drop else failed(503, "Dead."), fault="dead")

    def alive(self) -> None:
        """From now on answer as the script says."""
        self._dead = None

    @staticmethod
    @contextmanager
    def spawn(script: str, *, port: int = 0) -> Generator[SpawnedModel]:
        """Serve ``module:name`` or ``path/to/file.py:name`` from a process of its own while the context lasts."""
        with spawn(script, port) as model:
            yield model

    def _take(self, connection: Connection, path: str, head: bytes, body: bytes) -> None:
        if path.startswith("/_requests"):
            connection.answer(200, _JSON, self._report())
        elif path in _SWITCHES:
            _SWITCHES[path](self)
            connection.answer(200, _JSON, b"{}")
        elif path.endswith("/embeddings"):
            self._answer_embeddings(connection, Request(0, path, head, body))
        elif not path.endswith(("/chat/completions", "/messages")):
            connection.answer(404, _JSON, openai.error(404, "not_found", f"Nothing is served at {path}."))
        else:
            request = Request(len(self.requests) + 1, path, head, body)
            self._remember(request)
            self._answer(connection, request)

    def _answer_embeddings(self, connection: Connection, request: Request) -> None:
        texts = embeddings.texts(request)
        self.embedded.append(texts)
        made = self._dead or self._embed(texts)
        reply = made if isinstance(made, Reply) else embeddings.answer(made, request)
        _send(connection, request, reply)

    def _remember(self, request: Request) -> None:
        size = len(request.body)
        body = request.body if size <= _MAX_BODY else b""
        copied = {name: getattr(request, name) for name in _COPIED}
        self.requests.append(Seen(size=size, body=body, **copied))
        if body:
            self._with_body.append(request.number - 1)
        if len(self._with_body) > _MAX_BODIES:
            old = self._with_body.popleft()
            self.requests[old] = replace(self.requests[old], body=b"")

    def _report(self) -> bytes:
        rows = [{**asdict(seen), "body": seen.body.decode("utf-8", "replace")} for seen in self.requests]
        return json.dumps(rows).encode()

    def _answer(self, connection: Connection, request: Request) -> None:
        reply = self._next(request)
        if isinstance(reply, Reply) and not (reply.delay or reply.pace):
            self._note(request, reply)
            _send(connection, request, reply)
        else:
            connection.run(self._send_later(connection, request, reply))

    def _note(self, request: Request, reply: Reply) -> None:
        if reply.fault:
            index = request.number - 1
            self.requests[index] = replace(self.requests[index], fault=reply.fault)

    def _next(self, request: Request) -> Reply | Awaitable[Reply]:
        if self._dead is not None:
            return self._dead
        if callable(self._script):
            try:
                return _made(self._script(request), request)
            except Exception as error:  # noqa: BLE001 - the client must get an answer whatever the script does
                return failed(400, f"The script failed on request {request.number}: {error!r}", code="script")
        if request.number <= len(self._script):
            return _made(self._script[request.number - 1], request)
        return failed(400, f"The script has no reply for request {request.number}.", code="script")

    async def _send_later(
        self, connection: Connection, request: Request, coming: Reply | Awaitable[Reply]
    ) -> None:
        reply = await coming if inspect.isawaitable(coming) else coming
        self._note(request, reply)
        await _send_slowly(connection, request, reply)


def _made(given: Reply | Fault | Awaitable[Reply], request: Request) -> Reply | Awaitable[Reply]:
    if not isinstance(given, Fault):
        return given
    return replace(given.make(request, 1.0), fault=given.name)


# The requests by which a test switches a server in another process.
_SWITCHES: dict[str, Callable[[ScriptedModel], None]] = {
    "/_dead": ScriptedModel.dead,
    "/_dropping": lambda model: model.dead(drop=True),
    "/_alive": ScriptedModel.alive,
}


async def _send_slowly(connection: Connection, request: Request, reply: Reply) -> None:
    if reply.delay:
        await asyncio.sleep(reply.delay)
    if not (
        reply.pace
        and request.stream
        and not reply.form
        and reply.status < 400
        and reply.raw is None
        and not reply.gone
    ):
        _send(connection, request, reply)
        return
    chunks = _cut(_WIRES[request.wire].events(reply, request), reply.cut_at)
    connection.begin({**reply.headers, "content-type": "text/event-stream"}, chunks[:1])
    for chunk in chunks[1:]:
        await asyncio.sleep(reply.pace)
        connection.more(chunk)
    _finish(connection, reply)


def _send(connection: Connection, request: Request, reply: Reply) -> None:
    wire = _WIRES[request.wire]
    if reply.gone == "reset":
        connection.reset()
    elif reply.gone == "hang":
        pass
    elif reply.raw is not None:
        _send_whole(connection, reply, reply.raw, reply.content_type)
    elif reply.status >= 400:
        body = wire.error(reply.status, reply.code, reply.message)
        _send_whole(connection, reply, body, "application/json")
    elif reply.form:
        _send_form(connection, request, reply)
    elif request.stream:
        chunks = _cut(wire.events(reply, request), reply.cut_at)
        connection.begin({**reply.headers, "content-type": "text/event-stream"}, chunks)
        _finish(connection, reply)
    else:
        _send_whole(connection, reply, wire.whole(reply, request), "application/json")


def _send_form(connection: Connection, request: Request, reply: Reply) -> None:
    wire = _WIRES[request.wire]
    events = wire.events(reply, request) if request.stream else None
    made = forms.sent(reply.form, wire.whole(reply, request), events)
    connection.begin({**reply.headers, "content-type": made.content_type}, made.chunks)
    if made.end == "close":
        connection.close()
    elif made.end != "hold":
        connection.end()


def _send_whole(connection: Connection, reply: Reply, body: bytes, content_type: str) -> None:
    headers = {**reply.headers, "content-type": content_type}
    sent = body if reply.cut_at is None else body[: reply.cut_at]
    if reply.cut == "close" and reply.cut_at is not None:
        connection.short(reply.status, headers, sent, len(body))
    else:
        connection.answer(reply.status, headers, sent)


def _finish(connection: Connection, reply: Reply) -> None:
    if reply.cut_at is not None and reply.cut == "close":
        connection.close()
    else:
        connection.end()


def _cut(chunks: list[bytes], at: int | None) -> list[bytes]:
    if at is None:
        return chunks
    kept: list[bytes] = []
    for chunk in chunks:
        if at <= 0:
            break
        kept.append(chunk[:at])
        at -= len(chunk)
    return kept
