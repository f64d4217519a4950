"""Probes, which find out whether a call happened, and checks of undos."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.errors import EffectUnknown, InvalidDeclaration

from . import calling
from .schema import Signature, context_parameter, type_hints

RESULT = "result"
"""The parameter of an undo that receives the call's result."""


@dataclass(frozen=True)
class Probe:
    """A probe function, with the parameters it takes from the call."""

    function: Callable[..., object]
    parameters: tuple[str, ...]
    context: str | None

    async def ask(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """The call's result as text if it happened, None if it did not.

        Raises:
            EffectUnknown: It returned False, which is ambiguous.
        """
        given = {name: arguments[name] for name in self.parameters}
        if self.context:
            given[self.context] = context
        found = await calling.run(self.function, given)
        if found is False:
            raise EffectUnknown("the probe returned False; it must return None if the call did not happen")
        return None if found is None else calling.as_text(found)


def read_probe(function: Callable[..., object], name: str, signature: Signature) -> Probe:
    """Read the probe of a tool.

    Raises:
        InvalidDeclaration: Its signature does not fit the tool; the detail says what to change.
    """
    where = f"the probe of tool {name!r}"
    if not inspect.isroutine(function):
        raise InvalidDeclaration(f"{where} is {function!r}; use a function")
    hints = type_hints(function, where)
    if hints.get("return") is bool:
        raise InvalidDeclaration(
            f"{where} returns bool; it must return the call's result if the call happened, and None if not"
        )
    parameters = inspect.signature(function).parameters
    context = context_parameter(hints, parameters, where)
    asked = tuple(parameter for parameter in parameters if parameter != context)
    if unknown := set(asked) - set(signature.fields.values()):
        raise InvalidDeclaration(
            f"{where} takes {', '.join(sorted(unknown))}, which the tool does not; "
            "it may take the tool's parameters, by their names, and a ToolContext"
        )
    return Probe(function, asked, context)


def check_undo(name: str, original: Signature, undo_name: str, undo: Signature) -> None:
    """Check that an undo can be called with the arguments of the tool.

    Raises:
        InvalidDeclaration: It requires another parameter, or another type.
    """
    had = {parameter: original.arguments.model_fields[field] for field, parameter in original.fields.items()}
    for field, parameter in undo.fields.items():
        wanted = undo.arguments.model_fields[field]
        where = f"{parameter!r} of {undo_name!r}, the undo of tool {name!r},"
        if parameter in had:
            if wanted.annotation != had[parameter].annotation:
                raise InvalidDeclaration(f"{where} has another type in the tool; annotate both alike")
        elif parameter == RESULT:
            if wanted.annotation is not str:
                raise InvalidDeclaration(f"{where} must be a str: it is the call's result as text")
        elif wanted.is_required():
            raise InvalidDeclaration(
                f"{where} is not among its parameters; an undo is called with the same arguments and {RESULT!r}, "
                "so remove it or give it a default"
            )
