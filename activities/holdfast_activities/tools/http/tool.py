"""The HTTP tool."""

import asyncio
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast

import httpcore

from holdfast_activities.secrets import references
from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import EffectUnknown, ToolArgumentsInvalid, ToolError, ToolFailed
from holdfast_workflows.contracts.text.unicode import clean, preview
from holdfast_workflows.contracts.tools.http import SAFE, HttpArguments, HttpSettings

from ..contract_tool import ContractTool
from . import backend, body
from .exchange import Response, Sent, exchange
from .refusals import refused
from .targets import AllowList, Target

_CONNECT_SECONDS: Final = 10.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_AGAIN: Final = frozenset({429, 502, 503, 504})
"""Statuses after which a request without effect is repeated, by the tool's retry policy."""

_SHOWN: Final = ("content-type", "content-length", "location", "retry-after", "etag", "last-modified", "link")
_HEADER: Final = 500  # characters of a header that the model sees


def http_tool(
    spec: ToolSpec,
    settings: HttpSettings,
    resolver: backend.Resolver = backend.resolve,
    network: httpcore.AsyncNetworkBackend | None = None,
) -> ContractTool:
    """The binding of an HTTP tool."""
    tool = HttpRequests(
        spec, settings, resolver, network or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
    )
    return ContractTool(spec, HttpArguments, tool.call)


class HttpRequests:
    """Makes the requests of one HTTP tool."""

    def __init__(
        self,
        spec: ToolSpec,
        settings: HttpSettings,
        resolver: backend.Resolver,
        network: httpcore.AsyncNetworkBackend,
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._resolver = resolver
        self._network = network
        self._allowed = AllowList(settings.allow, settings.private)

    async def call(self, asked: HttpArguments, context: ToolContext) -> str:
        """Make a request, follow its redirects, and return the response as text.

        Raises:
            EgressRefused: The URL, an address or a redirect is refused.
            ToolFailed: It failed, and had no effect.
            EffectUnknown: It failed after it was sent, and must not be repeated.
        """
        # Exactly as declared: rules have decided on the text of the arguments.
        method = asked.method if "method" in asked.model_fields_set else self._settings.methods[0]
        if method not in self._settings.methods:
            raise refused("method", f"{method} is not allowed", f"use {' or '.join(self._settings.methods)}")
        if asked.body is not None and method in SAFE:
            raise ToolArgumentsInvalid(f"{method} has no body; leave it out")
        target = self._allowed.read(asked.url)
        safe = method in SAFE
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._follow(target, method, asked, context)
        except TimeoutError:
            raise self._failed(f"no answer within {self._settings.timeout:g} s", safe=safe) from None
        except Sent as error:
            raise self._failed(str(error), safe=safe) from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise ToolFailed(f"no connection to {target.authority}: {preview(str(error))}") from None

    def _failed(self, why: str, *, safe: bool) -> ToolFailed:
        """The error of a request that may have reached the server."""
        once = self._spec.effect == "once" and not safe
        return EffectUnknown(why) if once else ToolFailed(why)

    async def _follow(self, target: Target, method: str, asked: HttpArguments, context: ToolContext) -> str:
        first, headers = target, self._headers(asked, method, context)
        for _ in range(self._settings.max_redirects + 1):
            response = await self._exchange(target, method, headers, asked.body)
            location = response.headers.get("location", "")
            # A redirect of a request with an effect is a result: whether to repeat it elsewhere is not ours to say.
            if response.status not in _REDIRECTS or not location or method not in SAFE:
                return self._result(response, target, first, method)
            previous, target = target, self._allowed.redirected(target, location)
            headers = _carried(headers, previous, target)
        raise refused(
            "redirects",
            f"{first} redirects more than {self._settings.max_redirects} times",
            "request the final URL",
        )

    async def _exchange(
        self, target: Target, method: str, headers: Mapping[str, str], content: str | None
    ) -> Response:
        return await exchange(
            backend.PinnedBackend(target, self._resolver, self._network),
            target,
            method,
            headers,
            None if content is None else content.encode(),
            ca_file=self._settings.ca_file,
            most=self._settings.max_bytes,
            seconds=self._settings.timeout,
        )

    def _headers(self, asked: HttpArguments, method: str, context: ToolContext) -> dict[str, str]:
        """The author's headers, with their secrets, and those of the body."""
        headers = {name.lower(): references.fill(text) for name, text in self._settings.headers.items()}
        for name, value in headers.items():
            if not value.isascii() or not value.isprintable():
                # The value may be a secret, so it is not shown.
                raise ToolError(f"header {name!r} of tool {self._spec.name!r} is not printable ASCII")
        if asked.body is not None:
            headers["content-type"] = asked.content_type
        if method not in SAFE:
            headers.setdefault("idempotency-key", hashlib.sha256(context.key.encode()).hexdigest()[:32])
        return headers

    def _result(self, response: Response, target: Target, first: Target, method: str) -> str:
        """The response as text; a temporary failure of a request without effect is an error."""
        lines = [_status(response.status)]
        if target != first:
            lines.append(f"url: {target}")
        lines += [
            f"{name}: {response.headers[name][:_HEADER]}" for name in _SHOWN if name in response.headers
        ]
        if response.body.cut:
            lines.append(f"[{response.body.cut}]")
        text = body.as_text(response.body, response.headers.get("content-type", ""))
        shown = clean("\n".join(lines) + f"\n\n{text}".rstrip("\n"))
        if response.status in _AGAIN and method in SAFE:
            raise ToolFailed(
                preview(shown, 2_000), retry_after=_seconds(response.headers.get("retry-after", ""))
            )
        return shown


def _carried(headers: dict[str, str], previous: Target, target: Target) -> dict[str, str]:
    """The headers after a redirect. They may be credentials, so another origin gets none of them."""
    return headers if target.origin == previous.origin else {}


def _status(number: int) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _seconds(text: str) -> float | None:
    return min(float(text), 3_600.0) if text.isascii() and text.isdigit() else None
