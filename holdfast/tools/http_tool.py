"""HTTP requests as a tool, behind an egress guard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import TOOL_RETRY, Effect, ToolSpec
from holdfast_workflows.contracts.control.secrets import references_in
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.tools.http import METHODS, SAFE, HttpSettings, parameters
from holdfast_workflows.contracts.tools.sources import ProvidedTool
from holdfast_workflows.contracts.tools.url_patterns import read_pattern

from .. import declare
from .remote_options import networks

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CONNECTION: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}
)
_GRACE: Final = 5.0
"""Seconds between the tool's own time limit and that of its call."""


@public
class HttpTool(ProvidedTool):
    """HTTP requests that a model may make, for ``Agent(tools=[…])``."""

    @known_options("HttpTool")
    def __init__(
        self,
        name: str,
        *,
        allow: Sequence[str] = (),
        private: Mapping[str, str | Sequence[str]] | None = None,
        methods: Sequence[str] = ("GET", "HEAD"),
        description: str = "",
        headers: Mapping[str, str] | None = None,
        effect: Effect | None = None,
        max_bytes: int = 1_000_000,
        timeout: float | timedelta = 30.0,
        max_redirects: int = 5,
        ca_file: str = "",
        breaker: bool = False,
        aliases: Sequence[str] = (),
        queue: str = "",
        queue_timeout: float | timedelta | None = None,
    ) -> None:
        """Declare the requests.

        Args:
            name: The name that the model sees.
            allow: URL patterns of public hosts: "https://api.example.com", "https://*.example.com/v1", or
                "https://*" for every public host. A path is a prefix. The scheme is https unless it is given.
            private: Patterns of services in private networks, each with the networks that it may be in:
                ``{"http://billing.internal:8080": "10.20.0.0/16"}``.
            methods: The methods that the model may use.
            description: What the requests are for; the model sees it, with the patterns.
            headers: Sent with each request, and dropped when a redirect leads to another origin. Values may
                contain references to secrets: "Bearer ${env:TOKEN}".
            effect: What a request does to the world; "none" for GET, HEAD and OPTIONS, else "once". Requests with
                other methods carry an Idempotency-Key header; for services that honour it, use "idempotent".
            max_bytes: Most bytes of a response that are read, before and after decompression.
            timeout: Time limit of a call with its redirects, in seconds or as a timedelta.
            max_redirects: Redirects that are followed; those of requests with an effect never are.
            ca_file: A PEM file of certificate authorities on the worker, instead of the public ones.
            breaker: Whether all workers stop calling the tool after failures in a row; for a tool of one service.
            aliases: Earlier names of the tool.
            queue: The service queue whose workers make the calls; by default the agent's.
            queue_timeout: How long a call waits for a worker of its queue, in seconds or as a timedelta; 300 s by
                default.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = declare.tool_name(name, "HttpTool")
        settings = HttpSettings(
            allow=tuple(_texts(allow, "allow", where)),
            private={pattern: networks(given, where) for pattern, given in (private or {}).items()},
            methods=_methods(methods, where),
            headers=_headers(headers or {}, where),
            max_bytes=declare.whole(max_bytes, f"{where}: max_bytes", 1, 10_000_000),
            timeout=declare.seconds(timeout, f"{where}: timeout"),
            max_redirects=declare.whole(max_redirects, f"{where}: max_redirects", 0, 20),
            ca_file=ca_file,
        )
        spec = _spec(name, settings, description, _effect(effect, settings.methods, where), where)
        spec = spec.model_copy(update={"breaker": breaker, **declare.queue(queue, queue_timeout, where)})
        super().__init__(spec, settings, declare.aliases(aliases, name))


def _spec(name: str, settings: HttpSettings, description: str, effect: Effect, where: str) -> ToolSpec:
    patterns = [read_pattern(text, where) for text in (*settings.allow, *settings.private)]
    if not patterns:
        raise InvalidDeclaration(f'{where} allows no URL; give allow=["https://api.example.com"]')
    texts = settings.headers.values()
    secrets = tuple(dict.fromkeys(each for text in texts for each in references_in(text)))
    if secrets and not all(pattern.exact for pattern in patterns):
        raise InvalidDeclaration(
            f"{where} sends secrets to hosts that the model chooses; name each host instead of '*', or "
            "declare a second HttpTool without the headers"
        )
    return ToolSpec(
        name=name,
        description=_described(description, settings.methods, [pattern.text for pattern in patterns]),
        parameters=parameters(settings.methods),
        effect=effect,
        timeout=settings.timeout + _GRACE,
        retry=TOOL_RETRY.model_copy(update={"attempts": 1}) if effect == "once" else TOOL_RETRY,
        secrets=secrets,
    )


def _texts(given: Sequence[str], option: str, where: str) -> Sequence[str]:
    if isinstance(given, str):
        raise InvalidDeclaration(f"{where} has {option}={given!r}; give a list")
    return given


def _methods(methods: Sequence[str], where: str) -> tuple[str, ...]:
    used = tuple(dict.fromkeys(_texts(methods, "methods", where)))
    if not used or not set(used) <= set(METHODS):
        raise InvalidDeclaration(f"{where} has methods={list(used)}; use some of {', '.join(METHODS)}")
    return used


def _headers(headers: Mapping[str, str], where: str) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _CONNECTION:
            raise InvalidDeclaration(f"{where} has the header {name!r}, which is not for the tool to set")
        if not value.isascii() or not value.isprintable():
            raise InvalidDeclaration(f"{where} has a header {name!r} whose value is not printable ASCII")
    return dict(headers)


def _effect(effect: Effect | None, methods: Sequence[str], where: str) -> Effect:
    safe = SAFE.issuperset(methods)
    if effect is None:
        return "none" if safe else "once"
    if effect not in ("none", "idempotent", "once") or (effect == "none" and not safe):
        raise InvalidDeclaration(
            f"{where} has effect={effect!r} with {', '.join(methods)}; "
            'use "once" or "idempotent", or only GET, HEAD and OPTIONS'
        )
    return effect


def _described(description: str, methods: Sequence[str], patterns: Sequence[str]) -> str:
    rules = f"Makes an HTTP request ({', '.join(methods)}). Allowed URLs: {', '.join(patterns)}."
    return f"{description.strip()}\n\n{rules}" if description.strip() else rules
