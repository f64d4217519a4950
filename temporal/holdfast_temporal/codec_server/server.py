"""The HTTP server: ``POST /decode`` and ``POST /encode``, as the Temporal UI and command line call them.

It is an oracle that decrypts whatever it is given, so every request needs a token, a namespace that the server
serves and, from a browser, an allowed origin. Each one is logged, without content.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from holdfast_workflows.contracts.errors import EncryptionError, PortTaken
from holdfast_workflows.contracts.text.unicode import preview

from ..encryption.codec import EncryptionCodec
from ..encryption.keyring import Keyring
from ..encryption.refusing import KEY_ID
from .access import Access, Rates

MAX_BODY: Final = 16 * 1024 * 1024
"""Bytes of a request; a response of Temporal has 4 MB at most, in base64 a third more."""

_MAX_HEAD: Final = 16 * 1024
_TIMEOUT: Final = 10.0  # seconds for reading a request and for writing its response
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "authorization, content-type, x-namespace, caller-type",
    "Access-Control-Max-Age": "600",
}
_ACTIONS: Final = ("decode", "encode")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Request:
    method: str
    action: str
    token: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


class _Refused(Exception):
    def __init__(
        self, status: str, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})
        super().__init__(code)


class CodecServer:
    """Decrypts and encrypts payloads over HTTP."""

    def __init__(
        self, keyring: Keyring, access: Access, rates: Rates | None = None, *, accept_clear: bool = True
    ) -> None:
        """``accept_clear`` passes on payloads that are not encrypted, which a history may have besides others."""
        self.access = access
        self._codecs = {
            namespace: EncryptionCodec(keyring, namespace, accept_clear=accept_clear)
            for namespace in access.namespaces
        }
        self._rates = rates or Rates()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Start and return the port; 0 chooses a free one.

        Raises:
            PortTaken: The port cannot be used.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_MAX_HEAD, ssl=tls)
        except OSError as error:
            raise PortTaken(f"{host}:{port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_TIMEOUT):
                try:
                    request = await _read(reader, in_path=self.access.token_in_path)
                except _Refused as refused:
                    writer.write(_response(refused.status, _problem(refused), {}))
                else:
                    writer.write(await self._answer(request, peer))
                await writer.drain()
        writer.close()

    async def _answer(self, request: _Request, peer: str) -> bytes:
        origin = request.header("origin")
        shared = {"Vary": "Origin"}
        if origin in self.access.origins:
            shared["Access-Control-Allow-Origin"] = origin
            shared["Access-Control-Allow-Credentials"] = "true"
        try:
            self._check_origin(origin)
            if request.method == "OPTIONS":
                return _response("204 No Content", b"", shared | _PREFLIGHT)
            content = await self._logged(request, peer)
        except _Refused as refused:
            return _response(refused.status, _problem(refused), shared | refused.headers)
        return _response("200 OK", content, shared)

    def _check_origin(self, origin: str) -> None:
        if origin and origin not in self.access.origins:
            raise _Refused("403 Forbidden", "origin", "pages of this origin may not use the codec server")

    async def _logged(self, request: _Request, peer: str) -> bytes:
        """Serve a request, and log who sent it."""
        caller = self.access.caller(request.token) if request.token else ""
        outcome, found = "failed", list[Payload]()
        try:
            codec = self._permitted(request, caller, peer)
            found = _payloads(request.body)
            content = await _apply(codec, request.action, found)
            outcome = "done"
        except _Refused as refused:
            outcome = refused.code
            raise
        else:
            return content
        finally:
            keys = sorted({each.metadata.get(KEY_ID, b"clear").decode(errors="replace") for each in found})
            _log.info(
                "codec %s: %s by %s from %s in namespace %s: %d payloads, keys %s",
                request.action if request.action in _ACTIONS else "request",
                outcome,
                caller or "no valid token",
                peer,
                preview(request.header("x-namespace"), 64) or "none",
                len(found),
                preview(", ".join(keys), 200) or "none",
            )

    def _permitted(self, request: _Request, caller: str, peer: str) -> EncryptionCodec:
        """The codec of the request's namespace, if the caller may use it now."""
        if request.method != "POST" or request.action not in _ACTIONS:
            raise _Refused("404 Not Found", "not_found", "use POST /decode or POST /encode")
        if wait := self._rates.wait(caller or f"address {peer}"):
            after = {"Retry-After": str(int(wait) + 1)}
            raise _Refused("429 Too Many Requests", "rate", "too many requests; try again later", after)
        if not caller:
            asked = {"WWW-Authenticate": "Bearer"}
            raise _Refused(
                "401 Unauthorized", "token", "send Authorization: Bearer with a valid token", asked
            )
        codec = self._codecs.get(request.header("x-namespace"))
        if codec is None:
            raise _Refused(
                "403 Forbidden", "namespace", "X-Namespace names no namespace that this server serves"
            )
        return codec


async def _apply(codec: EncryptionCodec, action: str, payloads: list[Payload]) -> bytes:
    work = codec.decrypt if action == "decode" else codec.encrypt
    try:
        done = await asyncio.to_thread(lambda: [work(payload) for payload in payloads])
    except EncryptionError as error:
        raise _Refused("400 Bad Request", error.code, str(error)) from None
    return json.dumps(MessageToDict(Payloads(payloads=done))).encode()


async def _read(reader: asyncio.StreamReader, *, in_path: bool) -> _Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, *_ = [*first.split(" "), "", ""]
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY or "transfer-encoding" in headers:
        raise _Refused("413 Content Too Large", "size", f"send Content-Length, at most {MAX_BODY} bytes")
    parts = path.partition("?")[0].strip("/").split("/")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = parts[0] if in_path and len(parts) > 1 else ""
    return _Request(method, parts[-1], token.strip(), headers, await reader.readexactly(int(length)))


def _payloads(body: bytes) -> list[Payload]:
    try:
        found: Any = json.loads(body)["payloads"]
        return list(ParseDict({"payloads": found}, Payloads()).payloads)
    except (LookupError, TypeError, ValueError, ParseError, RecursionError, AttributeError):
        raise _Refused("400 Bad Request", "body", 'send {"payloads": […]} as JSON') from None


def _problem(refused: _Refused) -> bytes:
    return json.dumps({"code": refused.code, "message": refused.message}).encode()


def _response(status: str, content: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    lines += ["Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
