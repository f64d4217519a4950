"""Checks of options. Each returns the value, or raises InvalidDeclaration with the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from holdfast_workflows.contracts.agent import tool_limits
from holdfast_workflows.contracts.agent.spec import RetryPolicy, ToolSpec
from holdfast_workflows.contracts.control.secrets import Secret
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import QUEUE_TIMEOUT
from holdfast_workflows.contracts.names import OWN_TOOLS, RESERVED

T = TypeVar("T")

LONGEST = 30 * 86_400.0
"""The longest timeout, in seconds: 30 days."""

_MODEL = re.compile(r"[a-zA-Z0-9_.-]+:\S+")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_HOST = re.compile(r"(?:\*\.)?(?:[a-zA-Z0-9_-]+\.)*[a-zA-Z0-9-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def name(value: str, what: str) -> str:
    """Check a name: providers, Temporal and command lines must accept it."""
    if not _is_text(value) or not _NAME.fullmatch(value):
        raise InvalidDeclaration(
            f"{what} {value!r} has a name that providers refuse; "
            "use 1 to 64 ASCII letters, digits, '_' and '-' (set name=… if it comes from a function)"
        )
    return value


def tool_name(value: str, what: str) -> str:
    """Check the name that a tool gets; return what names the tool in messages."""
    where = f"{what} {name(value, what)!r}"
    if value in RESERVED or value in OWN_TOOLS:
        raise InvalidDeclaration(f"{where} has a reserved name; choose another")
    return where


def aliases(given: Sequence[str], tool: str) -> tuple[str, ...]:
    """Check the earlier names of a tool."""
    if isinstance(given, str):
        raise InvalidDeclaration(f"tool {tool!r} has aliases={given!r}; give a list of names")
    for alias in given:
        name(alias, f"tool {tool!r}: alias")
        if alias == tool or alias in RESERVED or alias in OWN_TOOLS:
            raise InvalidDeclaration(
                f"tool {tool!r} has the alias {alias!r}, which is its own name or a reserved one"
            )
    return tuple(dict.fromkeys(given))


def property_name(value: str, what: str) -> str:
    """Check an argument's name: every provider must accept it."""
    if not _PROPERTY.fullmatch(value):
        raise InvalidDeclaration(
            f"{what} {value!r} has a name that Anthropic refuses; "
            "use 1 to 64 ASCII letters, digits, '_', '.' and '-'"
        )
    return value


def json_schema(schema: Mapping[str, Any], what: str) -> None:
    """Check a JSON schema."""
    # Only processes that declare agents need the checker; clients are installed without it.
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidDeclaration(f"{what} is not a JSON schema: {error.message}") from error


def tools(specs: Sequence[ToolSpec], models: Sequence[str], where: str) -> None:
    """Check the number of tools and their descriptions against OpenAI's limits."""
    if problem := tool_limits.problem(specs, models):
        raise InvalidDeclaration(f"{where}{problem}")


def model(value: str, what: str) -> str:
    """Check a model's name: ``provider:model``."""
    if not _is_text(value) or not _MODEL.fullmatch(value):
        raise InvalidDeclaration(
            f'{what} has model {value!r}; write "provider:model", such as "openai:gpt-5-mini"'
        )
    return value


def hosts(values: Sequence[str], what: str) -> tuple[str, ...]:
    """Check host names; ``*.`` stands for subdomains, and ``*`` alone for any host."""
    if isinstance(values, str):
        raise InvalidDeclaration(f"{what}={values!r} is a text; give a list of hosts")
    for value in values:
        if value != "*" and not _HOST.fullmatch(value):
            raise InvalidDeclaration(
                f'{what} has {value!r}; use a host such as "example.com", "*.example.com" or "*", '
                "without scheme, port and path"
            )
    return tuple(value.lower() for value in values)


def secrets(values: Sequence[str], what: str) -> tuple[str, ...]:
    """Check references to secrets."""
    if isinstance(values, str):
        raise InvalidDeclaration(f"{what} has a text as secrets; give a list of references")
    return tuple(str(Secret(value)) for value in values)


def whole(value: int, what: str, least: int, most: int = 1_000_000_000) -> int:
    """Check an integer."""
    if not _is_number(value) or not least <= value <= most or value != int(value):
        raise InvalidDeclaration(f"{what}={value!r} must be a whole number from {least:,} to {most:,}")
    return int(value)


def number(value: float, what: str, least: float, most: float) -> float:
    """Check a number; NaN is refused."""
    if not _is_number(value) or not least <= value <= most:
        raise InvalidDeclaration(f"{what}={value!r} must be a number from {least:g} to {most:g}")
    return float(value)


def optional_whole(value: int | None, what: str, least: int, most: int = 1_000_000_000) -> int | None:
    """Check an integer or None."""
    return None if value is None else whole(value, what, least, most)


def optional_number(value: float | None, what: str, least: float, most: float) -> float | None:
    """Check a number or None."""
    return None if value is None else number(value, what, least, most)


def seconds(value: float | timedelta, what: str) -> float:
    """Convert a duration to seconds; it must be above 0."""
    length = value.total_seconds() if isinstance(value, timedelta) else value
    if not _is_number(length) or not math.isfinite(length) or not 0 < length <= LONGEST:
        raise InvalidDeclaration(f"{what}={value!r} must be above 0 and at most {LONGEST:,.0f} seconds")
    return float(length)


def queue(value: str, timeout: float | timedelta | None, where: str) -> dict[str, Any]:
    """Check a service queue and how long calls wait for its workers."""
    if value == "" and timeout is not None:
        raise InvalidDeclaration(f"{where} has queue_timeout={timeout!r} without a queue; give queue=…, too")
    if value != "" and (not _is_text(value) or not _NAME.fullmatch(value)):
        raise InvalidDeclaration(
            f"{where} has queue={value!r}; use 1 to 64 ASCII letters, digits, '_' and '-', without the App's name"
        )
    return {
        "queue": value,
        "queue_timeout": QUEUE_TIMEOUT if timeout is None else seconds(timeout, f"{where}: queue_timeout"),
    }


def retry(value: RetryPolicy, what: str) -> RetryPolicy:
    """Check a retry policy; 0 attempts would mean no limit for Temporal."""
    instance(value, RetryPolicy, "RetryPolicy", what)
    whole(value.attempts, f"{what}: attempts", 1, 1_000)
    number(value.first_delay, f"{what}: first_delay", 0.001, LONGEST)
    number(value.max_delay, f"{what}: max_delay", value.first_delay, LONGEST)
    number(value.backoff, f"{what}: backoff", 1.0, 1_000.0)
    return value


def instance(value: object, kind: type[T], name: str, what: str) -> T:
    """Check the type of a value; a dict is not converted."""
    if not isinstance(value, kind):
        raise InvalidDeclaration(f"{what}={value!r} must be made by {name}(…)")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
