"""A function's signature and docstring as the JSON schema that a model sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticSchemaGenerationError, PydanticUserError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import Field, FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.text import model_json

from .. import declare

_ARGUMENTS = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False)


@dataclass(frozen=True)
class Signature:
    """A function as a model may call it.

    Attributes:
        description: The docstring without the sections on arguments and errors.
        parameters: JSON schema of an object with one property per argument.
        arguments: A pydantic model with the fields ``p0``, ``p1`` …; the parameters' names are aliases, because
            pydantic does not allow all of them as fields.
        fields: Parameter names by field.
        context: The parameter that receives the ToolContext; None without one.
        reader: Parses the arguments.
    """

    description: str
    parameters: dict[str, Any]
    arguments: type[BaseModel]
    fields: Mapping[str, str]
    context: str | None
    reader: model_json.Reader[BaseModel]


def read_signature(function: Callable[..., Any], name: str) -> Signature:
    """Read the signature of a tool.

    Raises:
        InvalidDeclaration: A model could not call it; the detail names the parameter and the remedy.
    """
    hints = type_hints(function, f"tool {name!r}")
    parameters = inspect.signature(function).parameters
    context = context_parameter(hints, parameters, f"tool {name!r}")
    asked = [p for p in parameters.values() if p.name != context]
    for parameter in asked:
        _refuse_unusable(parameter, hints, name)
    description, described = _read_docstring(function)
    if unknown := described.keys() - parameters.keys():
        raise InvalidDeclaration(
            f"the docstring of tool {name!r} describes {', '.join(sorted(unknown))}, which it does not take; "
            "correct its Args section"
        )
    fields = {f"p{i}": p.name for i, p in enumerate(asked)}
    arguments = _arguments_model(asked, hints, described, name)
    schema = _json_schema(arguments, name)
    return Signature(description, schema, arguments, fields, context, model_json.Reader(arguments))


def type_hints(function: Callable[..., Any], where: str) -> dict[str, Any]:
    """Resolve the annotations of a function."""
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise InvalidDeclaration(
            f"the annotations of {where} cannot be resolved: {error}; "
            "define the types it names at the top level of its module"
        ) from error


def context_parameter(
    hints: dict[str, Any], parameters: Mapping[str, inspect.Parameter], where: str
) -> str | None:
    """The parameter that receives the ToolContext, found by its annotation."""
    found = [p for p in parameters if any(map(_is_context, (hints.get(p), *get_args(hints.get(p)))))]
    if len(found) > 1:
        raise InvalidDeclaration(f"{where} has two ToolContext parameters; keep one")
    if found and parameters[found[0]].kind is inspect.Parameter.POSITIONAL_ONLY:
        raise InvalidDeclaration(f"the ToolContext of {where} is positional-only; remove the '/'")
    return found[0] if found else None


def _is_context(hint: object) -> bool:
    return hint is ToolContext or get_origin(hint) is ToolContext


def _refuse_unusable(parameter: inspect.Parameter, hints: dict[str, Any], name: str) -> None:
    where = f"parameter {parameter.name!r} of tool {name!r}"
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise InvalidDeclaration(f"{where} is variadic; use one list or dict parameter")
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise InvalidDeclaration(
            f"{where} is positional-only, and models name their arguments; remove the '/'"
        )
    if parameter.name not in hints:
        raise InvalidDeclaration(f"{where} has no annotation; add its type, such as {parameter.name}: str")
    if isinstance(parameter.default, FieldInfo):
        raise InvalidDeclaration(f"{where} has a Field as its default; use Annotated[…, Field(…)] instead")


def _read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    # Only processes that declare agents need the parser; clients are installed without it.
    from docstring_parser import DocstringStyle, parse

    parsed = parse(inspect.getdoc(function) or "", style=DocstringStyle.GOOGLE)
    parts = [parsed.description or ""]
    if parsed.returns and parsed.returns.description:
        parts.append(f"Returns: {parsed.returns.description}")
    described = {p.arg_name.lstrip("*"): p.description or "" for p in parsed.params}
    return "\n\n".join(part for part in parts if part), described


def _arguments_model(
    asked: list[inspect.Parameter], hints: dict[str, Any], described: dict[str, str], name: str
) -> type[BaseModel]:
    definitions: dict[str, Any] = {}
    for i, parameter in enumerate(asked):
        options: dict[str, Any] = {"alias": parameter.name}
        if text := described.get(parameter.name):
            options["description"] = text
        if parameter.default is not inspect.Parameter.empty:
            options["default"] = parameter.default
        definitions[f"p{i}"] = (hints[parameter.name], Field(**options))
    try:
        return create_model("Arguments", __config__=_ARGUMENTS, **definitions)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError) as error:
        raise _no_schema(name, error) from error


class _ForModels(GenerateJsonSchema):
    """Without titles, which pydantic derives from names: they cost tokens."""

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Ignore it: a default that JSON cannot express is omitted from the schema and still applies."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _json_schema(arguments: type[BaseModel], name: str) -> dict[str, Any]:
    try:
        schema = arguments.model_json_schema(schema_generator=_ForModels)
    except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
        raise _no_schema(name, error) from error
    schema.pop("title", None)
    for key in schema.setdefault("properties", {}):
        declare.property_name(key, f"tool {name!r}: parameter")
    declare.json_schema(schema, f"the schema that the parameters of tool {name!r} make")
    return schema


def _no_schema(name: str, error: Exception) -> InvalidDeclaration:
    reason = str(error).splitlines()[0]
    return InvalidDeclaration(
        f"a parameter of tool {name!r} has a type without JSON schema: {reason}; "
        "use str, int, float, bool, list, dict, Literal, Enum, a pydantic model, dataclass or TypedDict"
    )
