"""Remote agents, reached by A2A, as tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import TOOL_RETRY, Effect, ToolSpec
from holdfast_workflows.contracts.control.secrets import references_in
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.tools.a2a import MOST_TEXT, A2aSettings
from holdfast_workflows.contracts.tools.sources import ProvidedTool
from holdfast_workflows.contracts.tools.url_patterns import read_pattern

from .. import declare
from ..tools import remote_options

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_GRACE: Final = 8.0
"""Seconds of a call besides its requests."""

_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "message": {
            "type": "string",
            "minLength": 1,
            "maxLength": MOST_TEXT,
            "description": "The task, with all that the agent needs to know.",
        }
    },
    "required": ["message"],
    "additionalProperties": False,
}


@public
class A2AAgent(ProvidedTool):
    """An agent that is reached by the Agent2Agent protocol, as a tool for ``Agent(tools=[…])``."""

    @known_options("A2AAgent")
    def __init__(
        self,
        name: str,
        *,
        url: str,
        description: str = "",
        headers: Mapping[str, str] | None = None,
        allow: Sequence[str] = (),
        private: str | Sequence[str] = (),
        effect: Effect = "once",
        conversation: bool = False,
        timeout: float | timedelta = 3_600.0,
        request_timeout: float | timedelta = 30.0,
        max_bytes: int = 5_000_000,
        ca_file: str = "",
        approval: str = "",
        trusted: bool = False,
        aliases: Sequence[str] = (),
    ) -> None:
        """Declare the agent.

        Args:
            name: The name that the model sees.
            url: Where its card is: the part before ``/.well-known/agent-card.json``.
            description: What the agent is for; the model sees it.
            headers: Sent with each request. A secret must be a reference, such as ``"Bearer ${env:TOKEN}"``.
            allow: Other origins that the agent's card may name for its bindings; the headers go there, too.
            private: The networks that its host is in, if it is not a public one: ``"10.20.0.0/16"``.
            effect: What a task does to the world. With "once", a task that may have been sent is looked for and never
                sent again; with "idempotent", it is sent again with the same ``messageId``.
            conversation: Whether the agent sees all calls of a session as one conversation.
            timeout: Time limit of a task, without the time in which it waits for people; it is then cancelled.
            request_timeout: Time limit of each request.
            max_bytes: Most bytes of a response.
            ca_file: A PEM file of certificate authorities on the worker, instead of the public ones.
            approval: "ask" if each call waits for a person's approval.
            trusted: Whether its replies are as trusted as the agent's instructions.
            aliases: Earlier names of the tool.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = declare.tool_name(name, "A2AAgent")
        _check(headers or {}, url, allow, effect, approval, where)
        settings = A2aSettings(
            url=url.rstrip("/"),
            allow=tuple(allow),
            private=_private(url, private, where),
            headers=dict(headers or {}),
            timeout=declare.seconds(timeout, f"{where}: timeout"),
            request_timeout=declare.seconds(request_timeout, f"{where}: request_timeout"),
            conversation=conversation,
            max_bytes=declare.whole(max_bytes, f"{where}: max_bytes", 1, 50_000_000),
            ca_file=ca_file,
        )
        spec = _spec(name, settings, description, effect, approval)
        spec = spec.model_copy(update={"trusted": trusted})
        super().__init__(spec, settings, declare.aliases(aliases, name))


def _spec(name: str, settings: A2aSettings, description: str, effect: Effect, approval: str) -> ToolSpec:
    about = "Gives a task to a remote agent, which does not see this conversation, and returns its reply."
    texts = settings.headers.values()
    return ToolSpec(
        name=name,
        description=f"{description.strip()}\n\n{about}".strip(),
        parameters=_PARAMETERS,
        effect=effect,
        timeout=2 * settings.request_timeout + _GRACE,
        retry=TOOL_RETRY.model_copy(update={"attempts": 1}) if effect == "once" else TOOL_RETRY,
        probe=effect == "once" and not settings.conversation,
        breaker=False,
        approval="ask" if approval else "",
        secrets=tuple(dict.fromkeys(each for text in texts for each in references_in(text))),
    )


def _check(
    headers: Mapping[str, str], url: str, allow: Sequence[str], effect: str, approval: str, where: str
) -> None:
    remote_options.check_url(url, where, secret=bool(headers))
    remote_options.check_secrets(headers, where)
    if effect not in ("none", "idempotent", "once"):
        raise InvalidDeclaration(f"{where} has effect={effect!r}; use 'none', 'idempotent' or 'once'")
    if approval not in ("", "ask"):
        raise InvalidDeclaration(f"{where} has approval={approval!r}; use 'ask' or leave it out")
    if isinstance(allow, str):
        raise InvalidDeclaration(f"{where} has allow={allow!r}; give a list")
    for text in allow:
        if not read_pattern(text, where).exact:
            raise InvalidDeclaration(f"{where} has allow={text!r}; name each host instead of '*'")


def _private(url: str, given: str | Sequence[str], where: str) -> tuple[str, ...]:
    if not given:
        return _LOOPBACK if urlsplit(url).hostname in remote_options.LOCAL else ()
    return remote_options.networks(given, where)
