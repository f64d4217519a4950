"""Validation of input from outside, so that invalid input cannot fail a workflow task.

A failed workflow task is retried forever and blocks the workflow. So invalid input is refused with
``BadInput``. An invalid signal, which has no reply, is dropped with a warning.
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

from holdfast_workflows.contracts.text.unicode import preview

from .contracts import errors, names
from .contracts.base import Contract

C = TypeVar("C", bound=Contract)


def start_input(cls: type[C], given: Sequence[Any]) -> C:
    """Return a workflow's start input; without one, the defaults.

    Raises:
        ApplicationError: The input is invalid; the run fails with it.
    """
    if not given or (len(given) == 1 and given[0] is None):
        return cls()
    if len(given) > 1:
        raise _bad(f"got {len(given)} inputs; give one {cls.__name__}")
    value = given[0]
    if isinstance(value, RawValue):
        if not workflow.info().continued_run_id:
            raise _bad("its input cannot be decoded; send it as JSON")
        # Input of an earlier run is valid; the task waits for a worker that can decode it.
        return workflow.payload_converter().from_payload(value.payload, cls)
    try:
        return cls.model_validate(value)
    except ValidationError as error:
        raise _bad(describe(error)) from error


def _bad(why: str) -> ApplicationError:
    return errors.to_failure(errors.BadInput(why))


def fitting(handler: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
    """Return arguments converted to the handler's types.

    The SDK does not convert payloads that are not JSON, or arguments of the wrong number.

    Raises:
        BadInput: They do not fit the handler.
    """
    signature, types = _parameters(getattr(handler, "__func__", handler))
    try:
        bound = signature.bind(*given)
        return [types[name].validate_python(value) for name, value in bound.arguments.items()]
    except TypeError as error:
        raise errors.BadInput(f"{handler.__name__}: {error}") from error
    except ValidationError as error:
        raise errors.BadInput(f"{handler.__name__}: {describe(error)}") from error


@functools.cache
def _parameters(function: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, TypeAdapter[Any]]]:
    signature = inspect.signature(function)
    taken = list(signature.parameters.values())[1:]  # without self
    hints = typing.get_type_hints(function)
    types: dict[str, TypeAdapter[Any]] = {each.name: TypeAdapter(hints[each.name]) for each in taken}
    return signature.replace(parameters=taken), types


def describe(error: ValidationError) -> str:
    """Describe a validation error in one line."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return preview(f"{where}: {first['msg']}" if where else first["msg"])


class UnknownNames:
    """Refuses signals, updates and queries without a handler; the SDK would keep such signals in memory."""

    @workflow.signal(dynamic=True, description="Signals of other names are dropped.")
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Log a warning."""
        workflow.logger.warning("a signal of unknown name was dropped: %s", preview(name))

    @workflow.query(dynamic=True, description="Queries of other names are refused.")
    def unknown_query(self, name: str, args: Sequence[RawValue]) -> None:
        """Refuse the query."""
        raise _bad(_unknown("query", name))

    @workflow.update(dynamic=True, description="Updates of other names are refused.")
    def unknown_update(self, name: str, args: Sequence[RawValue]) -> None:
        """Refuse the update if its validator did not run."""
        raise _no_update(name)

    @unknown_update.validator
    def _validate_unknown(self, name: str, args: Sequence[RawValue]) -> None:
        raise _no_update(name)


def _no_update(name: str) -> ApplicationError:
    return _bad(_unknown("update", name))


def _unknown(what: str, name: str) -> str:
    info = workflow.info()
    fleet = f"; {info.workflow_id} is a fleet: `holdfast fleet --help`"
    return f"unknown {what} {preview(name)}{fleet if info.workflow_type == names.FLEET_WORKFLOW else ''}"
