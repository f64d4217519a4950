"""Parse a model's JSON text into a function's arguments, or explain to the model what is wrong."""

from __future__ import annotations

from typing import Any, cast

from pydantic import ValidationError

from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.text import model_json
from holdfast_workflows.contracts.text.unicode import preview

from .schema import Signature

_MAX_PROBLEMS = 5
_MAX_PATH = 120
_MAX_VALUE = 80
_STRINGS = 3  # most levels of JSON strings around the object


def read(text: str, signature: Signature) -> dict[str, Any]:
    """Return the arguments by parameter name, with defaults.

    Raises:
        ToolArgumentsInvalid: The text is not a JSON object that fits the signature.
    """
    given = _parse(text, signature)
    try:
        model = signature.reader.validate(given)
    except ValidationError as error:
        raise ToolArgumentsInvalid(_explain(error)) from None
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from None
    return {parameter: getattr(model, field) for field, parameter in signature.fields.items()}


def _parse(text: str, signature: Signature) -> dict[str, Any]:
    """Parse the JSON object. Providers send "" for a tool without arguments; some send the object as a JSON string."""
    given: Any = text
    for _ in range(_STRINGS):
        if not given.strip():
            return {}
        try:
            given = model_json.parse(given)
        except (ValueError, RecursionError) as error:
            raise _not_json(error) from None
        if not isinstance(given, str):
            break
    if not isinstance(given, dict):
        names = ", ".join(signature.fields.values()) or "none"
        raise ToolArgumentsInvalid(
            f"the arguments must be a JSON object, not {_kind(given)}; its properties are: {preview(names)}"
        )
    return cast("dict[str, Any]", given)


def _not_json(error: Exception) -> ToolArgumentsInvalid:
    reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
    return ToolArgumentsInvalid(f"the arguments are not valid JSON: {preview(reason)}; send one JSON object")


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
    message = message.replace("valid array", "valid list")
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
