"""Rules, conditions and verdicts as data, so that sessions pin them and replays repeat them."""

import hashlib
from typing import Any, Final, Literal, cast

from pydantic import Field

from ..agent.declared import Declared
from ..base import Contract
from ..errors import InvalidDeclaration
from ..limits import PREVIEW_CHARS
from ..public import public

Action = Literal["allow", "ask", "deny"]
Period = Literal["turn", "session", "day"]
CountScope = Literal["session", "user", "tenant"]
LevelName = Literal["app", "tenant", "agent", "session"]
"""From the outermost level to the innermost. Each can only narrow those before it."""

Op = Literal[
    "eq", "lt", "le", "gt", "ge", "one_of", "contains", "matches", "domains", "named",
    "untrusted", "called", "and", "or", "not",
]  # fmt: skip

ALL_ARGUMENTS = "*"
"""The path of all arguments together, for ``named_by_user``."""


@public
class Condition(Declared):
    """A condition on a call's arguments or on the session's past; combine with ``&``, ``|`` and ``~``.

    ``path`` is where the value is in the arguments. ``of`` are the parts of ``and``, ``or`` and ``not``.
    """

    op: Op
    path: str = ""
    value: Any = None
    of: tuple["Condition", ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(op="and", of=(self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return Condition(op="or", of=(self, other))

    def __invert__(self) -> "Condition":
        return Condition(op="not", of=(self,))

    def __bool__(self) -> bool:
        raise InvalidDeclaration(
            "a condition has no truth value yet; combine conditions with & | ~ instead of and, or, not, and write "
            '(1 < arg("x")) & (arg("x") < 5) instead of a chain'
        )

    def __str__(self) -> str:
        return _describe(self)


@public
class Rule(Declared):
    """What happens to calls of the tools that ``tool`` matches, made by ``allow``, ``ask`` or ``deny``.

    ``tool`` is a name, or a pattern with ``*``. With ``effects`` only tools with an effect count. ``limit`` is a number
    of calls per ``per`` and ``scope``: an allow rule matches the calls up to it, the others match those beyond it.
    """

    action: Action
    tool: str
    when: Condition | None = None
    effects: bool = False
    limit: int | None = None
    per: Period = "session"
    scope: CountScope = "session"
    reason: str = ""

    def __str__(self) -> str:
        parts = [self.action, "tools with effects" if self.effects and self.tool == "*" else self.tool]
        if self.limit is not None:
            within = "up to" if self.action == "allow" else "beyond"
            parts.append(
                f"{within} {self.limit} per {self.per}{'' if self.scope == 'session' else f' and {self.scope}'}"
            )
        if self.when is not None:
            parts.append(f"when {self.when}")
        return " ".join(parts)

    @property
    def key(self) -> str:
        """What its count is kept under. Another limit or reason goes on with the same count."""
        counted = self.model_dump_json(include={"tool", "when", "effects"})
        return f"#{hashlib.sha256(counted.encode()).hexdigest()[:12]}"

    @property
    def shared(self) -> bool:
        """Whether calls are counted in the state database, and not in the session."""
        return self.limit is not None and self.per == "day"


@public
class Permissions(Declared):
    """The rules of one level, and what happens to calls that no rule matches.

    A deny rule that matches decides, else an ask rule, else an allow rule. ``default`` is for the rest; a tool that
    allow rules name is denied, or asked about if ``default="ask"``, where none of them matches.
    """

    rules: tuple[Rule, ...] = ()
    default: Action = "allow"


class Level(Contract):
    """The permissions of one level, as a session pins them."""

    name: LevelName
    permissions: Permissions


class Quota(Contract):
    """A counted permission: one of ``limit`` places of ``account`` in the state database."""

    account: str
    limit: int


class Verdict(Contract):
    """What happens to a call, the rule that decided, and why in words.

    The verdict holds only if there is a place left in each of ``quotas``.
    """

    action: Action
    rule: str = ""
    reason: str = ""
    quotas: tuple[Quota, ...] = ()
    counted: tuple[str, ...] = ()
    """The keys of rules that count the call in the session."""


class Call(Contract):
    """A call as rules see it. ``values`` are validated arguments; one that is missing is too long to be judged.

    ``named`` are the paths whose values the user has written.
    """

    tool: str
    known: bool = True
    effect: bool = False
    own: bool = False
    """Whether it is one of Holdfast's own tools, to which defaults do not apply."""
    values: dict[str, Any] = Field(default_factory=dict)
    named: tuple[str, ...] = ()


class Past(Contract):
    """What rules know of the session before a call: counts, and the first source of untrusted content.

    Calls are counted by tool, and by the key of each rule that counts them.
    """

    untrusted: str = ""
    in_turn: dict[str, int] = Field(default_factory=dict)
    in_session: dict[str, int] = Field(default_factory=dict)
    day: str = ""
    tenant: str = ""
    user: str = ""
    session: str = ""
    used_up: frozenset[str] = frozenset()
    """Accounts of quotas that have no place left."""


_SIGNS: Final = {"eq": "=", "lt": "<", "le": "≤", "gt": ">", "ge": "≥"}
_WORDS: Final = {
    **_SIGNS, "one_of": "is one of", "contains": "contains", "matches": "matches", "domains": "is in domains",
}  # fmt: skip


def _describe(condition: Condition) -> str:
    op, path, value = condition.op, condition.path, condition.value
    if op in ("and", "or"):
        return f" {op} ".join(f"({each})" if each.op in ("and", "or") else str(each) for each in condition.of)
    if op == "not" and condition.of:
        return f"not ({condition.of[0]})" if condition.of[0].of else f"not {condition.of[0]}"
    if op == "named":
        return f"the user named {'all arguments' if path == ALL_ARGUMENTS else path}"
    if op in ("untrusted", "called"):
        return "untrusted content was read" if op == "untrusted" else f"{value} was called"
    shown = ", ".join(map(str, cast("list[Any]", value))) if isinstance(value, (list, tuple)) else str(value)
    return f"{path} {_WORDS.get(op, op)} {shown}"[:PREVIEW_CHARS]
