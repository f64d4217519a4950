"""The base of what users declare: unknown field names are refused, with the nearest known name."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pydantic import ValidationError

from ..base import Contract
from ..errors import InvalidDeclaration
from ..text.nearest import no_such

P = ParamSpec("P")
R = TypeVar("R")


class Declared(Contract):
    """A contract that users construct; its constructor refuses unknown fields.

    Values read from a history or a log ignore them, as every contract does.
    """

    if not TYPE_CHECKING:  # type checkers know the fields, and would lose them by this signature

        def __init__(self, **fields: Any) -> None:
            kind = type(self)
            unknown = [name for name in fields if name not in kind.model_fields]
            if unknown:
                known = [name for name in kind.model_fields if name != "kind"]  # a union's discriminator
                raise InvalidDeclaration(f"{kind.__name__}: {no_such('field', unknown, known)}")
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise InvalidDeclaration(f"{kind.__name__}: {_problems(error)}") from None

        # Pydantic's mark of a constructor that only validates: values that are read do not call it.
        __init__.__pydantic_base_init__ = True


def known_options(what: str, more: Iterable[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function refuse unknown options, with the nearest known name. ``more`` are those of a typed dict."""

    def checked(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters.values()
        unnamed = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_KEYWORD}
        known = [each.name for each in parameters if each.kind not in unnamed and each.name != "self"]
        known += more

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if unknown := [name for name in kwargs if name not in known]:
                raise InvalidDeclaration(f"{what}: {no_such('field', unknown, known)}")
            return function(*args, **kwargs)

        return call

    return checked


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc']))}={repr(each['input'])[:80]}: {each['msg']}" for each in found
    )
