"""Validate arguments by the schema that a server gave for its tool.

The schema is data from outside. References to other documents are not followed, regular expressions are not
evaluated (a hostile one would block the worker), and the number of checks is bounded. The server validates too.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, cast

from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.text.model_json import refuse_constant
from holdfast_workflows.contracts.text.unicode import preview

_NOT_EVALUATED = frozenset({"pattern", "patternProperties", "format"})
_MOST_CHECKS = 20_000
_PROBLEMS = 3
"""Invalid arguments that an error message names."""


class _TooManyChecks(Exception):
    """The schema takes too long to evaluate."""


class ArgumentSchema:
    """The schema of a tool's arguments."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def read(self, arguments: str) -> dict[str, Any]:
        """Parse a model's JSON text into arguments that fit the schema.

        Raises:
            ToolArgumentsInvalid: They do not fit; the message is for the model.
        """
        try:
            given = json.loads(
                arguments.strip() or "{}", strict=False, parse_constant=refuse_constant, parse_float=_finite
            )
        except (ValueError, RecursionError) as error:
            raise ToolArgumentsInvalid(f"the arguments are not valid JSON: {preview(str(error))}") from None
        if not isinstance(given, dict):
            raise ToolArgumentsInvalid("the arguments must be a JSON object")
        if problems := self._problems(cast("object", given)):
            raise ToolArgumentsInvalid("; ".join(problems))
        return cast("dict[str, Any]", given)

    def _problems(self, given: object) -> list[str]:
        try:
            validator = _validator()(dict(self._schema), registry=_no_documents())
            _checks.left = _MOST_CHECKS
            return [_shown(error) for error in islice(validator.iter_errors(given), _PROBLEMS)]
        except _TooManyChecks:
            return []  # the server decides
        except Exception as error:  # noqa: BLE001 - a reference that leads nowhere, or in a circle
            return [f"the server's schema of this tool cannot be used: {preview(str(error))}"]


def schema_problem(schema: Mapping[str, Any]) -> str:
    """Why a schema is not a JSON schema of an object; empty if it is one."""
    from jsonschema import Draft202012Validator, SchemaError  # half of the import time of a worker's tools

    if schema.get("type") != "object":
        return f"its input schema is not an object's: type={schema.get('type')!r}"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"its input schema is not a JSON schema: {preview(error.message)}"
    except RecursionError:
        return "its input schema is nested too deeply"
    return ""


class _Checks:
    left = 0


_checks = _Checks()
"""The checks left for the present validation. One event loop validates one call at a time, without a pause."""


def _skipped(*_: object) -> Iterator[Any]:
    return iter(())


def _counted(check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _checks.left -= 1
        if _checks.left < 0:
            raise _TooManyChecks
        yield from check(validator, value, instance, schema) or ()

    return counted


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator, validators

    checks: dict[str, Any] = {
        name: _skipped if name in _NOT_EVALUATED else _counted(check)
        for name, check in Draft202012Validator.VALIDATORS.items()
    }
    extend: Any = cast("Any", validators).extend  # not typed
    return extend(Draft202012Validator, checks)


@cache
def _no_documents() -> Any:
    from referencing import Registry

    return Registry[Any]()


def _shown(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path)) or "arguments"
    return f"{preview(where)}: {preview(error.message)}"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large for a number")
    return number
