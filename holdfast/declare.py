"""The checks that agents and tools share: each refuses with the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from holdfast_workflows.contracts.agent.spec import RetryPolicy, ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import LONGEST_DESCRIPTION, MOST_TOOLS

T = TypeVar("T")

LONGEST = 30 * 86_400.0
"""The longest time-out, in seconds: 30 days."""

_MODEL = re.compile(r"[a-zA-Z0-9_.-]+:\S+")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_OPENAI = re.compile(r"(?:pydantic-ai:)?(?:openai|azure)[a-z0-9_.-]*:", re.IGNORECASE)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def name(value: str, what: str) -> str:
    """A name that providers, Temporal and command lines accept."""
    if not _is_text(value) or not _NAME.fullmatch(value):
        raise InvalidDeclaration(
            f"{what} {value!r} has a name that providers refuse; "
            "use 1 to 64 letters, digits, '_' and '-' of ASCII (give name=… if it comes from a function)"
        )
    return value


def property_name(value: str, what: str) -> str:
    """A name that every provider accepts for an argument of a tool."""
    if not _PROPERTY.fullmatch(value):
        raise InvalidDeclaration(
            f"{what} {value!r} has a name that Anthropic refuses; "
            "use 1 to 64 letters, digits, '_', '.' and '-' of ASCII"
        )
    return value


def json_schema(schema: Mapping[str, Any], what: str) -> None:
    """A JSON schema as every provider reads it."""
    # Only processes that declare agents need the checker; clients are installed without it.
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidDeclaration(f"{what} is not a JSON schema: {error.message}") from error


def tools(found: Sequence[ToolSpec], models: Sequence[str], where: str) -> None:
    """Whether the providers of the models take such tools in a request."""
    openai = next((each for each in models if _OPENAI.match(each)), None)
    shown = [tool for tool in found if not tool.hidden]
    if openai is None:
        return
    if len(shown) > MOST_TOOLS:
        raise InvalidDeclaration(
            f"{where} has {len(shown)} tools with those that Holdfast gives it, and {openai} takes at most "
            f"{MOST_TOOLS}; leave some out, or make several agents"
        )
    for tool in shown:
        if len(tool.description) > LONGEST_DESCRIPTION:
            raise InvalidDeclaration(
                f"{where}: tool {tool.name!r} has a description of {len(tool.description):,} characters, and "
                f"{openai} takes at most {LONGEST_DESCRIPTION:,}; shorten its docstring, or say the rest in the "
                "instructions or of its parameters"
            )


def model(value: str, what: str) -> str:
    """A model's name with its provider's."""
    if not _is_text(value) or not _MODEL.fullmatch(value):
        raise InvalidDeclaration(
            f'{what} has model {value!r}; write "provider:model", such as "openai:gpt-5-mini"'
        )
    return value


def whole(value: int, what: str, least: int, most: int = 1_000_000_000) -> int:
    """An integer within bounds."""
    if not _is_number(value) or not least <= value <= most or value != int(value):
        raise InvalidDeclaration(f"{what}={value!r} must be a whole number from {least:,} to {most:,}")
    return int(value)


def number(value: float, what: str, least: float, most: float) -> float:
    """A number within bounds; NaN is not."""
    if not _is_number(value) or not least <= value <= most:
        raise InvalidDeclaration(f"{what}={value!r} must be a number from {least:g} to {most:g}")
    return float(value)


def seconds(value: float | timedelta, what: str) -> float:
    """A duration above zero."""
    length = value.total_seconds() if isinstance(value, timedelta) else value
    if not _is_number(length) or not math.isfinite(length) or not 0 < length <= LONGEST:
        raise InvalidDeclaration(f"{what}={value!r} must be above 0 and at most {LONGEST:,.0f} seconds")
    return float(length)


def retry(value: RetryPolicy, what: str) -> RetryPolicy:
    """A retry policy that ends: Temporal takes 0 attempts for "without end"."""
    instance(value, RetryPolicy, "RetryPolicy", what)
    whole(value.attempts, f"{what}: attempts", 1, 1_000)
    number(value.first_delay, f"{what}: first_delay", 0.001, LONGEST)
    number(value.max_delay, f"{what}: max_delay", value.first_delay, LONGEST)
    number(value.backoff, f"{what}: backoff", 1.0, 1_000.0)
    return value


def instance(value: object, kind: type[T], name: str, what: str) -> T:
    """A value of a type that users construct, and not the dict that they would make it from."""
    if not isinstance(value, kind):
        raise InvalidDeclaration(f"{what}={value!r} must be made by {name}(…)")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
