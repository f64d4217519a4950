"""What arrives from outside, checked against what takes it: no shape of it may fail a workflow task.

A workflow task that fails is tried again for ever, and the workflow does nothing else meanwhile. So
input is refused as ``BadInput``, and a signal, which has nobody to answer, is dropped with a warning.
"""

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from .contracts import errors
from .contracts.base import Contract
from .contracts.text import preview

C = TypeVar("C", bound=Contract)


def start_input(cls: type[C], given: Sequence[Any]) -> C:
    """The input a workflow was started with; its defaults where there is none.

    Raises:
        ApplicationError: It is not of that shape; the run fails with it.
    """
    if not given or (len(given) == 1 and given[0] is None):
        return cls()
    if len(given) > 1:
        raise _bad(f"a {cls.__name__} is its one input, not {len(given)} values")
    value = given[0]
    if isinstance(value, RawValue):
        if not workflow.info().continued_run_id:
            raise _bad("its input cannot be decoded; send it as JSON")
        # What an earlier run handed over is sound: it waits for a worker that can read it.
        return workflow.payload_converter().from_payload(value.payload, cls)
    try:
        return cls.model_validate(value)
    except ValidationError as error:
        raise _bad(said(error)) from error


def _bad(why: str) -> ApplicationError:
    return errors.to_failure(errors.BadInput(why))


def fitting(handler: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
    """Arguments as a handler takes them.

    The SDK leaves out the types where the number of arguments differs from that of the parameters, and
    for payloads that are not JSON.

    Raises:
        BadInput: They are not what the handler takes.
    """
    signature, types = _parameters(getattr(handler, "__func__", handler))
    try:
        bound = signature.bind(*given)
        return [types[name].validate_python(value) for name, value in bound.arguments.items()]
    except TypeError as error:
        raise errors.BadInput(f"{handler.__name__}: {error}") from error
    except ValidationError as error:
        raise errors.BadInput(f"{handler.__name__}: {said(error)}") from error


@functools.cache
def _parameters(function: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, TypeAdapter[Any]]]:
    signature = inspect.signature(function)
    taken = list(signature.parameters.values())[1:]  # without self
    hints = typing.get_type_hints(function)
    types: dict[str, TypeAdapter[Any]] = {each.name: TypeAdapter(hints[each.name]) for each in taken}
    return signature.replace(parameters=taken), types


def said(error: ValidationError) -> str:
    """What is wrong with a value, in a line."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return preview(f"{where}: {first['msg']}" if where else first["msg"])


class UnknownNames:
    """Refuses signals and updates that a workflow has no handler for; the SDK would keep such signals in memory."""

    @workflow.signal(dynamic=True, description="Signals of other names are dropped.")
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Drop it."""
        workflow.logger.warning("a signal %s was dropped: there is no such signal", preview(name))

    @workflow.update(dynamic=True, description="Updates of other names are refused.")
    def unknown_update(self, name: str, args: Sequence[RawValue]) -> None:
        """Refuse it, where the validator was not asked."""
        raise _no_update(name)

    @unknown_update.validator
    def _validate_unknown(self, name: str, args: Sequence[RawValue]) -> None:
        raise _no_update(name)


def _no_update(name: str) -> ApplicationError:
    return _bad(f"there is no update {preview(name)}")
