"""What rules need to know of calls, so that only this is recorded."""

from collections.abc import Iterable, Sequence

from ..names import OWN_TOOLS
from .conditions import matches_tool
from .rules import Condition, Level, Rule
from .values import top

_LOGIC = ("and", "or", "not")
_OF_PAST = ("untrusted", "called")


def arguments(levels: Sequence[Level], tools: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the arguments that rules look at, by tool."""
    found = {
        tool: tuple(dict.fromkeys(top(path) for rule in _of(levels, tool) for path in _paths(rule.when)))
        for tool in tools
    }
    return {tool: names for tool, names in found.items() if names}


def named(levels: Sequence[Level], tools: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the paths of which rules ask whether the user named them, by tool."""
    found = {
        tool: tuple(dict.fromkeys(path for rule in _of(levels, tool) for path in _paths(rule.when, "named")))
        for tool in tools
    }
    return {tool: paths for tool, paths in found.items() if paths}


def is_static(levels: Sequence[Level], tool: str) -> bool:
    """Whether every call of an inline tool, which has no effect, is allowed whatever its arguments and the past."""
    for level in levels:
        rules = [rule for rule in _of(levels=(level,), tool=tool) if not rule.effects]
        strict = [rule for rule in rules if rule.action != "allow"]
        plain = any(rule.when is None and rule.limit is None for rule in rules if rule.action == "allow")
        if strict or not (
            plain or (not rules and (level.permissions.default == "allow" or tool in OWN_TOOLS))
        ):
            return False
    return True


def _of(levels: Sequence[Level], tool: str) -> list[Rule]:
    return [rule for level in levels for rule in level.permissions.rules if matches_tool(rule.tool, tool)]


def _paths(condition: Condition | None, op: str = "") -> list[str]:
    if condition is None:
        return []
    if condition.op in _LOGIC:
        return [path for each in condition.of for path in _paths(each, op)]
    if condition.op in _OF_PAST or (op and condition.op != op):
        return []
    return [condition.path]


def about_untrusted(condition: Condition | None) -> bool:
    """Whether a condition depends on untrusted content."""
    if condition is None:
        return False
    return condition.op == "untrusted" or any(map(about_untrusted, condition.of))
