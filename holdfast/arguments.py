"""From a model's JSON text to a function's arguments, or to a message the model can act on."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

from pydantic import BaseModel, ValidationError

from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.text import clean, preview

from .schema import Signature

_MAX_PROBLEMS = 5
_MAX_PATH = 120
_MAX_VALUE = 80


def read(text: str, signature: Signature) -> dict[str, Any]:
    """Arguments by parameter name, defaults included.

    Raises:
        ToolArgumentsInvalid: The text is not a JSON object that fits the signature.
    """
    given = _parse(text, signature)
    try:
        model = _validate(given, signature)
    except ValidationError as error:
        raise ToolArgumentsInvalid(_explain(error)) from None
    return {parameter: getattr(model, field) for field, parameter in signature.fields.items()}


def _parse(text: str, signature: Signature) -> dict[str, Any]:
    """The JSON object. Providers send "" where a tool takes no arguments; raw line breaks are let pass."""
    if not text.strip():
        return {}
    try:
        given = json.loads(text, strict=False, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ToolArgumentsInvalid(
            f"the arguments are not valid JSON: {preview(reason)}; send one JSON object"
        ) from None
    if not isinstance(given, dict):
        names = ", ".join(signature.fields.values()) or "none"
        raise ToolArgumentsInvalid(
            f"the arguments must be a JSON object, not {_kind(given)}; its properties are: {preview(names)}"
        )
    return cast("dict[str, Any]", given)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _validate(given: dict[str, Any], signature: Signature) -> BaseModel:
    try:
        return signature.arguments.model_validate(given)
    except UnicodeError:
        pass
    except ValidationError as error:
        if all(problem["type"] != "string_unicode" for problem in error.errors(include_url=False)):
            raise
    # A lone surrogate where pydantic needs UTF-8 (keys, text with a bounded length); U+FFFD takes its place.
    return signature.arguments.model_validate(_cleaned(given))


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    lines = [_line(p["type"], p["loc"], p["msg"], p["input"]) for p in problems[:_MAX_PROBLEMS]]
    if more := len(problems) - len(lines):
        lines.append(f"and {more} more")
    return "; ".join(lines)


def _line(kind: str, path: tuple[int | str, ...], message: str, value: object) -> str:
    where = preview(".".join(str(part) for part in path), _MAX_PATH) or "arguments"
    if kind == "missing":
        return f"{where}: required but missing"
    if kind == "extra_forbidden":
        return f"{where}: there is no such argument"
    return f"{where}: {preview(message)}, not {preview(_shown(value), _MAX_VALUE)}"


def _shown(value: object) -> str:
    if type(value) in (dict, list):
        return _kind(value)
    return repr(value[:_MAX_VALUE] if isinstance(value, str) else value)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {"dict": "an object", "list": "a list", "str": "a string", "bool": "a boolean"}
    return kinds.get(type(value).__name__, "a number")
