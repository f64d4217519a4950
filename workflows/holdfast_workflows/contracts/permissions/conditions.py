"""Evaluate conditions with three values: true, false, and None where it cannot be judged.

A value that is missing, too long or of another type gives None, and so does a comparison that only some elements of a
list meet, or that only a change of case or Unicode form makes true. Deny and ask rules take None for true, allow rules
for false: what cannot be judged is never allowed.
"""

import math
import operator
import re
import unicodedata
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .domains import within
from .rules import ALL_ARGUMENTS, Call, Condition, Past
from .values import MISSING, as_list, find

MATCHED = 256
"""Characters of a value up to which a pattern judges it; longer ones would make bounded patterns slow."""

_DEEPEST = 64


def holds(condition: Condition, call: Call, past: Past, depth: int = 0) -> bool | None:
    """Whether a condition holds; None if it cannot be judged."""
    if condition.op in ("and", "or", "not"):
        return _combined(condition, call, past, depth)
    match condition.op:
        case "untrusted":
            return bool(past.untrusted)
        case "called":
            return _called(str(condition.value), past)
        case "named":
            return condition.path in call.named or ALL_ARGUMENTS in call.named
        case op:
            results = {_compare(op, each, condition.value) for each in find(condition.path, call.values)}
            return results.pop() if len(results) == 1 else None


def _combined(condition: Condition, call: Call, past: Past, depth: int) -> bool | None:
    if depth > _DEEPEST or not condition.of:
        return None
    parts = [holds(each, call, past, depth + 1) for each in condition.of]
    if condition.op == "not":
        return _not(parts[0])
    return _all(parts) if condition.op == "and" else _any(parts)


def _called(pattern: str, past: Past) -> bool:
    # The others are keys of rules.
    return any(matches_tool(pattern, tool) for tool in past.in_session if not tool.startswith("#"))


def matches_tool(pattern: str, tool: str) -> bool:
    """Whether a rule's ``tool`` matches a name; only ``*`` is special."""
    return pattern == tool or (
        "*" in pattern and fnmatchcase(tool, pattern.replace("[", "[[]").replace("?", "[?]"))
    )


def _compare(op: str, value: Any, given: Any) -> bool | None:
    if value is MISSING:
        return None
    compare = _COMPARISONS.get(op)
    return None if compare is None else compare(value, given)


def _equal(value: Any, given: Any) -> bool | None:
    if _is_number(value) and _is_number(given):
        return bool(value == given)
    if type(value) is not type(given):
        # A number in a string is not the number, and a tool may still read it as one.
        return None if isinstance(value, str) and value.strip() == str(given) else False
    if isinstance(value, str):
        if value == given:
            return True
        return None if _folded(value) == _folded(given) else False
    return bool(value == given)


def _one_of(value: Any, given: Any) -> bool | None:
    return _any([_equal(value, each) for each in as_list(given)])


def _contains(value: Any, given: Any) -> bool | None:
    items = as_list(value)
    if isinstance(value, list):
        return _any([_equal(each, given) for each in items])
    if not isinstance(value, str) or not isinstance(given, str):
        return None
    if given in value:
        return True
    return None if _folded(given) in _folded(value) else False


def _matches(value: Any, given: Any) -> bool | None:
    if not isinstance(value, str) or not isinstance(given, str) or len(value) > MATCHED:
        return None
    try:
        return re.fullmatch(given, value) is not None
    except (re.error, RecursionError, OverflowError):
        return None


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def compared(value: Any, given: Any) -> bool | None:
        texts = isinstance(value, str) and isinstance(given, str)
        return compare(value, given) if texts or (_is_number(value) and _is_number(given)) else None

    return compared


_COMPARISONS: dict[str, Callable[[Any, Any], bool | None]] = {
    "eq": _equal,
    "lt": _ordered(operator.lt),
    "le": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "ge": _ordered(operator.ge),
    "one_of": _one_of,
    "contains": _contains,
    "matches": _matches,
    "domains": lambda value, given: within(value, tuple(map(str, as_list(given)))),
}


def _is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _folded(text: str) -> str:
    """The text without what readers do not see: case, Unicode form, invisible characters, space around it."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in plain if unicodedata.category(each) not in ("Cf", "Cc", "Mn")).strip()


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(values: list[bool | None]) -> bool | None:
    if any(each is False for each in values):
        return False
    return None if any(each is None for each in values) else True


def _any(values: list[bool | None]) -> bool | None:
    return _not(_all([_not(each) for each in values]))
