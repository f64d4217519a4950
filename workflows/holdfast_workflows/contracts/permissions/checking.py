"""Check rules against the tools they name, before they are used."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast, get_args

from ..agent.spec import ToolSpec
from ..errors import InvalidDeclaration
from ..text.nearest import no_such
from .conditions import MATCHED, matches_tool
from .rules import ALL_ARGUMENTS, Action, Condition, CountScope, Op, Period, Permissions, Rule
from .values import top, valid

MOST_RULES: Final = 200
_MOST_CONDITIONS = 100
_MOST_STARS = 3
_LONGEST = 500
"""Characters of a pattern or a value in a rule, and most values of a list."""

_STEPS = 20_000_000
"""Most steps that a pattern may take on the longest value it judges."""

_NUMBER = ("integer", "number")


def check(permissions: object, tools: Mapping[str, ToolSpec], where: str) -> Permissions:
    """Return valid permissions.

    Raises:
        InvalidDeclaration: A rule names no tool or argument, or cannot be evaluated; the detail says what to change.
    """
    if not isinstance(permissions, Permissions):
        raise InvalidDeclaration(
            f"{where}: permissions={permissions!r} must be made by Permissions(rules=[allow(…), ask(…), deny(…)])"
        )
    if len(permissions.rules) > MOST_RULES:
        raise InvalidDeclaration(f"{where}: {len(permissions.rules)} rules; use at most {MOST_RULES}")
    if permissions.default not in get_args(Action):
        raise InvalidDeclaration(f"{where}: default={permissions.default!r}; use one of allow, ask, deny")
    for rule in permissions.rules:
        # First, since the text of a rule is as deep as its conditions.
        if rule.when is not None and sum(1 for _ in _parts(rule.when)) > _MOST_CONDITIONS:
            raise InvalidDeclaration(
                f"{where}: {rule.tool}: more than {_MOST_CONDITIONS} conditions; use several rules"
            )
        _check_rule(rule, tools, f"{where}: {rule}")
    return permissions


def _check_rule(rule: Rule, tools: Mapping[str, ToolSpec], where: str) -> None:
    if not rule.tool or len(rule.tool) > _LONGEST or rule.tool.count("*") > _MOST_STARS:
        raise InvalidDeclaration(f"{where}: name a tool, or a pattern with at most {_MOST_STARS} '*'")
    named = [spec for spec in tools.values() if matches_tool(rule.tool, spec.name)]
    if not named and not _is_open(rule.tool):
        raise InvalidDeclaration(f"{where}: {no_such('tool', [rule.tool], tools)}")
    _check_limit(rule, where)
    conditions = list(_parts(rule.when)) if rule.when is not None else []
    for condition in conditions:
        _check_condition(condition, named, tools, where)


def _is_open(tool: str) -> bool:
    """Whether a rule may name tools that are not known yet: by a pattern, or a tool of an MCP server."""
    return "*" in tool or "__" in tool


def idle(permissions: Permissions, tools: Iterable[str]) -> list[str]:
    """Return the names in rules, without patterns, that none of the tools has."""
    known = set(tools)
    return [rule.tool for rule in permissions.rules if "*" not in rule.tool and rule.tool not in known]


def _check_limit(rule: Rule, where: str) -> None:
    if rule.per not in get_args(Period) or rule.scope not in get_args(CountScope):
        raise InvalidDeclaration(
            f"{where}: per={rule.per!r}, scope={rule.scope!r}; per is one of {', '.join(get_args(Period))}, "
            f"scope one of {', '.join(get_args(CountScope))}"
        )
    if rule.limit is None:
        if (rule.per, rule.scope) != ("session", "session"):
            raise InvalidDeclaration(f"{where}: per and scope count nothing; add at_most=… or beyond=…")
        return
    if isinstance(rule.limit, bool) or not 0 <= rule.limit <= 1_000_000_000:
        raise InvalidDeclaration(f"{where}: {rule.limit!r} calls; use a whole number from 0")
    if rule.scope != "session" and rule.per != "day":
        raise InvalidDeclaration(
            f'{where}: calls of a {rule.scope} are counted per day; add per="day", or remove scope={rule.scope!r}'
        )


def _parts(condition: Condition) -> Iterable[Condition]:
    todo = [condition]
    while todo:
        each = todo.pop()
        yield each
        todo.extend(each.of)


def _check_condition(
    condition: Condition, named: Collection[ToolSpec], tools: Mapping[str, ToolSpec], where: str
) -> None:
    op, path = condition.op, condition.path
    if op in ("and", "or", "not"):
        if not condition.of or (op == "not" and len(condition.of) != 1):
            raise InvalidDeclaration(f"{where}: {op!r} has {len(condition.of)} parts")
    elif op == "called":
        pattern = condition.value
        if not isinstance(pattern, str) or not (_is_open(pattern) or pattern in tools):
            raise InvalidDeclaration(f"{where}: {no_such('tool', [str(pattern)], tools)}")
    elif op != "untrusted" and not (op == "named" and path == ALL_ARGUMENTS):
        _check_path(path, named, where)
        _check_value(op, path, condition.value, named, where)


def _check_path(path: str, named: Collection[ToolSpec], where: str) -> None:
    if not valid(path):
        raise InvalidDeclaration(
            f'{where}: arg({path!r}) is not a path; write "cents", "order.items[0].cents" or "items[*].cents"'
        )
    known = [name for tool in named for name in _properties(tool)]
    if named and top(path) not in known:
        raise InvalidDeclaration(f"{where}: {no_such('argument', [top(path)], set(known))}")


def _check_value(op: Op, path: str, value: object, named: Collection[ToolSpec], where: str) -> None:
    if op == "matches":
        _check_pattern(value, where)
    elif op in ("one_of", "domains"):
        items = cast("list[object]", value) if isinstance(value, (list, tuple)) else []
        if not 0 < len(items) <= _LONGEST or (op == "domains" and not all(map(_is_domain, items))):
            raise InvalidDeclaration(
                f"{where}: {value!r}; give 1 to {_LONGEST} "
                + ('domains such as "acme.com" or "*.acme.com"' if op == "domains" else "values")
            )
    elif op in ("lt", "le", "gt", "ge"):
        if not _is_number(value) and not isinstance(value, str):
            raise InvalidDeclaration(f"{where}: {path} is compared with {value!r}; use a number or a text")
        _check_type(path, value, named, where)
    elif op == "eq" and isinstance(value, (int, float, str)):
        _check_type(path, value, named, where)


def _check_type(path: str, value: object, named: Collection[ToolSpec], where: str) -> None:
    """Refuse a number for an argument that is declared as a string, and the other way round."""
    for tool in named:
        schema = cast("dict[str, object]", _properties(tool).get(path) or {})
        kind = schema.get("type")
        wrong = (kind == "string" and not isinstance(value, str)) or (
            kind in _NUMBER and not _is_number(value)
        )
        if wrong:
            raise InvalidDeclaration(
                f"{where}: {tool.name}({path}) is {kind}, and is compared with {value!r}; use a value of that type"
            )


def _check_pattern(value: object, where: str) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise InvalidDeclaration(f"{where}: a pattern is a text of at most {_LONGEST} characters")
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidDeclaration(f"{where}: {value!r} is not a regular expression: {error}") from None
    if _steps(value) > _STEPS:
        raise InvalidDeclaration(
            f"{where}: {value!r} can take very long; use no look-arounds, back-references or repeated groups, and at "
            "most three of * + {m,n}; or combine several conditions with |"
        )


_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?|\)[*+?{]|\{\d*,?\d*\}|.", re.DOTALL)


def _steps(pattern: str) -> float:
    """An upper bound of the steps in which a pattern without nested repeats matches a value."""
    unbounded, branches, groups = 0, 0, False
    for part in _PART.findall(pattern):
        if part == "(?" or (part.startswith(")") and len(part) > 1) or re.fullmatch(r"\\[1-9]", part):
            groups = True
        elif part in ("*", "+") or (part.startswith("{") and len(part) > 1):
            unbounded += 1
        elif part in ("?", "|"):
            branches += 1
    if groups:
        return math.inf
    return float(MATCHED) ** unbounded / math.factorial(unbounded) * 2.0**branches


def _properties(tool: ToolSpec) -> dict[str, Any]:
    found = tool.parameters.get("properties")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _is_domain(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
