"""MCP servers whose tools an agent may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast, get_args

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.mcp import Credentials, McpServer
from holdfast_workflows.contracts.agent.spec import Effect
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.public import public

from .. import declare
from . import remote_options

_LONGEST_PREFIX = 32


@public
class MCPServer:
    """An MCP server, started by a command or reached at a URL, for ``Agent(tools=[…])``.

    Its tools are read when a session begins and pinned for that session. Models see them as ``<prefix>__<tool>``.

    Attributes:
        name: The server's name within the app.
    """

    @known_options("MCPServer")
    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str] | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        prefix: str | None = None,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] = (),
        effects: Mapping[str, Effect] | None = None,
        trust_annotations: bool = False,
        timeout: float | timedelta = 60.0,
        connect_timeout: float | timedelta = 30.0,
        refresh: float = 60.0,
        idle: float | timedelta = 300.0,
        optional: bool = False,
    ) -> None:
        """Declare a server.

        Args:
            name: Letters, digits, "_" and "-".
            command: The program and its arguments, for a server that speaks on its input and output. A worker
                starts it when it is needed, and it ends with the worker.
            cwd: The folder in which the command runs.
            env: Environment variables of the command, in addition to PATH, HOME and a few others. A value may be a
                reference that a worker resolves: ``env:NAME`` or ``file:/path``.
            url: The endpoint of a server that speaks streamable HTTP.
            headers: HTTP headers. A secret must be a reference, such as ``"Bearer ${env:GITHUB_TOKEN}"``.
            credentials: A function of a CredentialsContext that returns the headers, or variables, of the session's
                user; sync or async, called in the worker for every call. Users never share a connection then.
            prefix: The beginning of the tools' names; the server's name by default.
            allow: The only tools to offer, by the server's names; all by default.
            deny: Tools not to offer.
            effects: What a tool does to the world, by the server's name of it: "none", "idempotent" (the server
                acts once per ``_meta["holdfast/idempotency-key"]``) or "once". The default is "once".
            trust_annotations: Whether to believe a server that says that a tool only reads, or is idempotent.
            timeout: Time limit of one call, in seconds or as a timedelta.
            connect_timeout: Time limit to start, or reach, the server.
            refresh: Age of a tool list, in seconds, at which it is read again before it is used; 0 for every use.
            idle: Time without a call after which a connection is closed.
            optional: Whether sessions start without the server's tools while it cannot be reached.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = f"MCP server {declare.name(name, 'MCP server')!r}"
        _check_target(command, url, where)
        remote_options.check_secrets(headers or {}, where)
        if url is not None:
            remote_options.check_url(url, where, secret=bool(headers or credentials))
        self.name = name
        self.server = McpServer(
            name=name,
            prefix=_prefix(name if prefix is None else prefix, where),
            command=tuple(command or ()),
            cwd=cwd,
            env=dict(env or {}),
            url=url or "",
            headers=dict(headers or {}),
            credentials=credentials,
            allow=None if allow is None else _names(allow, f"{where}: allow"),
            deny=_names(deny, f"{where}: deny"),
            effects=_effects(effects or {}, where),
            trust_annotations=trust_annotations,
            timeout=declare.seconds(timeout, f"{where}: timeout"),
            connect_timeout=declare.seconds(connect_timeout, f"{where}: connect_timeout"),
            refresh=declare.number(refresh, f"{where}: refresh", 0, declare.LONGEST),
            idle=declare.seconds(idle, f"{where}: idle"),
            optional=optional,
        )

    def __repr__(self) -> str:
        return f"MCPServer({self.name!r})"


def _check_target(command: object, url: object, where: str) -> None:
    if (command is None) == (url is None):
        raise InvalidDeclaration(f"{where} needs either command=[…] or url=…")
    if command is not None and (
        isinstance(command, str)
        or not all(isinstance(part, str) for part in cast("Sequence[object]", command))
        or not command
    ):
        raise InvalidDeclaration(
            f"{where}: command={command!r} must be a list of the program and its arguments"
        )


def _prefix(value: str, where: str) -> str:
    declare.name(value, f"{where}: prefix")
    if len(value) > _LONGEST_PREFIX:
        raise InvalidDeclaration(
            f"{where}: the prefix {value!r} of its tools' names is longer than {_LONGEST_PREFIX} characters; "
            "set a shorter prefix=…"
        )
    return value


def _names(values: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(each, str) for each in cast("Sequence[object]", values)):
        raise InvalidDeclaration(f"{what}={values!r} must be a list of tool names")
    return tuple(values)


def _effects(effects: Mapping[str, Effect], where: str) -> dict[str, Effect]:
    for tool, effect in effects.items():
        if effect not in get_args(Effect):
            raise InvalidDeclaration(
                f"{where}: tool {tool!r} has effect={effect!r}; use one of {', '.join(get_args(Effect))}"
            )
    return dict(effects)
