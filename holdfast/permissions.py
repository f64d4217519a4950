"""Rules on tool calls: ``allow``, ``ask`` and ``deny``, and the conditions they may have."""

from __future__ import annotations

from typing import Any, Final

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.permissions.rules import (
    ALL_ARGUMENTS,
    Action,
    Condition,
    CountScope,
    Op,
    Period,
    Rule,
)
from holdfast_workflows.contracts.public import public

UNTRUSTED: Final = Condition(op="untrusted")
"""Whether the session has read content that is not trusted: tool results and memories."""

ARGUMENTS: Final = ALL_ARGUMENTS


@public
class Argument:
    """An argument of the call, or a value in it, for conditions; made by ``arg``."""

    __hash__ = None  # type: ignore[assignment]  # == makes a condition

    def __init__(self, path: str) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"arg({self._path!r})"

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # conditions read like comparisons
        return self._condition("eq", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # conditions read like comparisons
        return ~self._condition("eq", value)

    def __lt__(self, value: float | str) -> Condition:
        return self._condition("lt", value)

    def __le__(self, value: float | str) -> Condition:
        return self._condition("le", value)

    def __gt__(self, value: float | str) -> Condition:
        return self._condition("gt", value)

    def __ge__(self, value: float | str) -> Condition:
        return self._condition("ge", value)

    def one_of(self, *values: object) -> Condition:
        """Whether the value is one of these."""
        return self._condition("one_of", list(values))

    def contains(self, value: object) -> Condition:
        """Whether a list has this element, or a text this part."""
        return self._condition("contains", value)

    def matches(self, pattern: str) -> Condition:
        """Whether the whole text matches a regular expression, which must be one that is always quick."""
        return self._condition("matches", pattern)

    def in_domains(self, *domains: str) -> Condition:
        """Whether every e-mail address or URL in the value is in these domains; ``*.acme.com`` are all below it."""
        return self._condition("domains", list(domains))

    def named_by_user(self) -> Condition:
        """Whether the user has written the value, or all parts of it, in a message of this session."""
        return Condition(op="named", path=self._path)

    def _condition(self, op: Op, value: Any) -> Condition:
        return Condition(op=op, path=self._path, value=value)


@public
def arg(path: str) -> Argument:
    """Return an argument for conditions: ``arg("cents") > 10_000``.

    Args:
        path: The argument's name, or a path such as ``order.items[0].cents``. ``items[*].cents`` stands for every
            element: a condition that only some of them meet cannot be judged. ``"*"`` stands for all arguments
            together, for ``named_by_user``.
    """
    return Argument(path)


@public
def untrusted() -> Condition:
    """Return the condition that the session has read untrusted content."""
    return UNTRUSTED


@public
def called(tool: str) -> Condition:
    """Return the condition that a tool, or one that matches the pattern, was called before in the session."""
    return Condition(op="called", value=tool)


@public
@known_options("allow")
def allow(
    tool: str,
    *,
    when: Condition | None = None,
    effects: bool = False,
    at_most: int | None = None,
    per: Period = "session",
    scope: CountScope = "session",
    reason: str = "",
) -> Rule:
    """Allow calls of a tool, and only these.

    Args:
        tool: A tool's name, or a pattern such as ``github__*``.
        when: The condition.
        effects: Whether the rule is only for tools with an effect.
        at_most: Most calls per ``per`` and ``scope``.
        per: "turn", "session", or "day" (UTC).
        scope: Whose calls are counted: of the "session", "user" or "tenant"; the last two per day.
        reason: What the model and people read when the rule decides.
    """
    return _rule("allow", tool, when, effects, at_most, per, scope, reason)


@public
@known_options("ask")
def ask(
    tool: str,
    *,
    when: Condition | None = None,
    after_untrusted: bool = False,
    effects: bool = False,
    beyond: int | None = None,
    per: Period = "session",
    scope: CountScope = "session",
    reason: str = "",
) -> Rule:
    """Ask a person before calls of a tool.

    Args:
        tool: A tool's name, or a pattern such as ``github__*``.
        when: The condition.
        after_untrusted: Whether the rule is only for calls after untrusted content was read.
        effects: Whether the rule is only for tools with an effect.
        beyond: Number of calls per ``per`` and ``scope`` that the rule does not concern.
        per: "turn", "session", or "day" (UTC).
        scope: Whose calls are counted: of the "session", "user" or "tenant"; the last two per day.
        reason: What the model and people read when the rule decides.
    """
    return _rule("ask", tool, _after(when, after_untrusted), effects, beyond, per, scope, reason)


@public
@known_options("deny")
def deny(
    tool: str,
    *,
    when: Condition | None = None,
    after_untrusted: bool = False,
    effects: bool = False,
    beyond: int | None = None,
    per: Period = "session",
    scope: CountScope = "session",
    reason: str = "",
) -> Rule:
    """Deny calls of a tool; no other rule, on whatever level, permits them. The arguments are those of ``ask``."""
    return _rule("deny", tool, _after(when, after_untrusted), effects, beyond, per, scope, reason)


def _after(when: Condition | None, after_untrusted: bool) -> Condition | None:
    if not after_untrusted:
        return when
    return UNTRUSTED if when is None else UNTRUSTED & when


def _rule(
    action: Action,
    tool: str,
    when: object,
    effects: bool,
    limit: int | None,
    per: Period,
    scope: CountScope,
    reason: str,
) -> Rule:
    if when is not None and not isinstance(when, Condition):
        raise InvalidDeclaration(
            f'{action}({tool!r}): when={when!r} is not a condition; write when=arg("cents") > 10_000'
        )
    return Rule(
        action=action, tool=tool, when=when, effects=effects, limit=limit, per=per, scope=scope, reason=reason
    )
