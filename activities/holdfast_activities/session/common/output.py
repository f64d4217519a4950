"""Validate a final reply against the agent's output schema."""

from __future__ import annotations  # jsonschema is loaded when an agent has an output schema

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter

from holdfast_workflows.contracts.text import final_reply
from holdfast_workflows.contracts.text.unicode import preview

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

_ROUNDS = 5
"""Nesting depth up to which JSON text inside JSON is parsed."""

_STRUCTURED: dict[str, type] = {"array": list, "object": dict}
_FORMATS: dict[str, Any] = {
    "date": date,
    "date-time": datetime,
    "time": time,
    "duration": timedelta,
    "uuid": UUID,
}


def _checked(shape: Any) -> Callable[[object], bool]:
    adapter = TypeAdapter[Any](shape)

    def check(value: object) -> bool:
        if isinstance(value, str):
            adapter.validate_python(value)
        return True

    return check


@cache
def _formats() -> FormatChecker:
    """The formats that are Python types: only these fail when a program reads the reply."""
    from jsonschema import FormatChecker  # see the head

    checker = FormatChecker(formats=())
    for name, shape in _FORMATS.items():
        checker.checkers[name] = (_checked(shape), ValueError)
    return checker


class Output:
    """The shape of an agent's final replies."""

    def __init__(self, schema: dict[str, Any]) -> None:
        from jsonschema import Draft202012Validator  # see the head

        self._validator = Draft202012Validator(schema, format_checker=_formats())

    def read(self, text: str) -> tuple[str, str]:
        """Return the JSON of a reply as it is stored, and why it does not fit (empty if it fits).

        JSON text is parsed where the schema requires a list or an object.
        """
        kept = final_reply.bare(text)
        try:
            value = final_reply.output(kept)
            problems = self._problems(value)
            fitting = value
            for _ in range(_ROUNDS):
                changed = False
                for path in [path for problem in problems for path in _texts(problem)]:
                    fitting, read = _with_text_read(fitting, path)
                    changed = changed or read
                if not changed:
                    break
                problems = self._problems(fitting)
            if not problems:
                return (kept if fitting is value else final_reply.dump(fitting)), ""
        except (ValueError, RecursionError) as error:
            return kept, f"The reply must be JSON that fits the schema, and nothing else: {error}."
        problem = problems[0]
        where = preview("/".join(str(part) for part in problem.absolute_path)) or "the root"
        return (
            kept,
            f"The reply does not fit the schema at {where}: {problem.message[:500]}. Send it again, whole.",
        )

    def _problems(self, value: Any) -> list[ValidationError]:
        # The stubs leave one overload of iter_errors partly untyped.
        return list(self._validator.iter_errors(value))  # pyright: ignore[reportUnknownMemberType]


_Path = tuple[tuple[int | str, ...], type]


def _texts(problem: ValidationError) -> Iterator[_Path]:
    """The paths of texts where the schema requires a list or an object, with the required type."""
    wanted: Any = problem.validator_value
    if problem.validator == "type" and isinstance(problem.instance, str):
        names: Iterable[str] = [wanted] if isinstance(wanted, str) else wanted
        for name in names:
            if name in _STRUCTURED:
                yield tuple(problem.absolute_path), _STRUCTURED[name]
    for inner in problem.context or ():
        yield from _texts(inner)


def _with_text_read(value: Any, where: _Path) -> tuple[Any, bool]:
    """A copy with the text at a path parsed, if the result has the required type; and whether it has."""
    path, kind = where
    if not path:
        if not isinstance(value, str):
            return value, False
        try:
            found = final_reply.output(value)
        except (ValueError, RecursionError):
            return value, False
        return (found, True) if isinstance(found, kind) else (value, False)
    inner, read = _with_text_read(value[path[0]], (path[1:], kind))
    if not read:
        return value, False
    copy = value.copy()
    copy[path[0]] = inner
    return copy, True
