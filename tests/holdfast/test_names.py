"""Users write these names; taking one away breaks them."""

import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel, TypeAdapter, create_model

import holdfast
import holdfast.sync
from holdfast_workflows.contracts import errors

NAMES = {name: getattr(holdfast, name) for name in holdfast.__all__}
CLASSES = {name: thing for name, thing in NAMES.items() if isinstance(thing, type)}
SYNC = {name: getattr(holdfast.sync, name) for name in holdfast.sync.__all__}

FOR_WORKERS = {"App.registry", "OpenMemory.at", "Tool.probe"}
"""Public by name, because other rooms call them; users do not."""


def test_the_public_names_are_in_order_and_each_is_defined() -> None:
    assert sorted(holdfast.__all__) == list(holdfast.__all__)
    assert set(holdfast.__all__) <= set(dir(holdfast))
    with pytest.raises(AttributeError, match="nothing"):
        _ = holdfast.nothing  # type: ignore[attr-defined]  # that is refused


@pytest.mark.parametrize("name", [name for name in NAMES if name != "StreamEvent"])
def test_a_public_name_reports_the_package_that_users_import_it_from(name: str) -> None:
    assert NAMES[name].__module__ == "holdfast"
    assert NAMES[name].__name__ == name
    assert pickle.loads(pickle.dumps(NAMES[name])) is NAMES[name]


@pytest.mark.parametrize("name", SYNC)
def test_the_names_of_the_sync_client_report_its_module(name: str) -> None:
    assert (SYNC[name].__module__, SYNC[name].__name__) == ("holdfast.sync", name)
    assert name in NAMES


def test_every_error_and_event_is_public() -> None:
    assert {cls for cls in errors.tree().values() if cls.__module__ == "holdfast"} <= set(CLASSES.values())
    assert set(get_args(get_args(holdfast.StreamEvent)[0])) <= set(CLASSES.values())


@pytest.mark.parametrize("where", [*NAMES, *(f"sync.{name}" for name in SYNC)])
def test_public_signatures_and_fields_name_only_public_classes(where: str) -> None:
    thing = SYNC[where.removeprefix("sync.")] if where.startswith("sync.") else NAMES[where]
    hidden = {
        f"{place}: {cls.__module__}.{cls.__name__}"
        for place, hints in _hints(where, thing)
        for hint in hints.values()
        for cls in _classes(hint)
        if cls.__module__.startswith("holdfast") and cls.__module__ not in ("holdfast", "holdfast.sync")
    }
    assert not hidden, "put @public above each, and its name into holdfast/__init__.py"


def _hints(where: str, thing: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not inspect.isclass(thing):
        if callable(thing) and where != "StreamEvent":
            yield where, _of(thing)
        return
    kind: Any = thing
    if not issubclass(kind, BaseException):
        yield where, {k: v for k, v in _of(kind).items() if not k.startswith("_")}
    for name, member in vars(kind).items():
        place = f"{where}.{name}"
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if inspect.isfunction(function) and not name.startswith("_") and place not in FOR_WORKERS:
            yield place, _of(function)


def _of(thing: Callable[..., Any]) -> dict[str, Any]:
    # Names that are imported for type checkers only are public ones.
    return get_type_hints(inspect.unwrap(thing), localns=None if isinstance(thing, type) else NAMES)


def _classes(hint: Any) -> Iterator[Any]:
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    # The parameters of a Callable are a list.
    parts: Any = hint if type(hint).__name__ == "list" else [get_origin(hint), *get_args(hint)]
    for part in parts:
        if part is not None:
            yield from _classes(part)


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if issubclass(cls, BaseModel)])
def test_users_may_derive_from_and_nest_the_models(name: str) -> None:
    kind: Any = CLASSES[name]
    several = cast("Any", list)[kind]
    derived = create_model("Derived", __base__=kind, more=(several, ...))
    assert "more" in TypeAdapter(derived).json_schema(mode="serialization")["properties"]
    assert TypeAdapter(several).validate_python([]) == []


def test_replies_and_errors_survive_pickling_and_copying() -> None:
    error = holdfast.QueueFull("full", retry_after=2.0, retryable=True)
    error.id = "e-1"
    reply = holdfast.Reply(text="Hi.", turn=1, status="failed", error=error)
    for copied in (pickle.loads(pickle.dumps(reply)), copy.deepcopy(reply)):
        assert copied.text == "Hi."
        assert str(copied.error) == str(error)
        assert vars(copied.error) == vars(error)


def test_a_traceback_names_the_error_as_users_import_it() -> None:
    code = "from holdfast import App; App(agents=[])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("holdfast.InvalidDeclaration: ")


def test_an_error_of_a_user_keeps_its_own_module() -> None:
    class OutOfStock(holdfast.ToolError):
        """The article is out of stock."""

    assert OutOfStock.__module__ == __name__


def test_importing_the_front_door_loads_nothing_that_only_workers_have() -> None:
    heavy = "docstring_parser jsonschema sqlalchemy httpx matplotlib holdfast_activities holdfast_workers temporalio.client"
    assert (
        _loaded("import holdfast; holdfast.App, holdfast.Agent, holdfast.tool, holdfast.Budget", heavy) == ""
    )


def test_importing_the_package_alone_loads_no_library() -> None:
    assert _loaded("import holdfast", "pydantic temporalio asyncio") == ""


def _loaded(code: str, modules: str) -> str:
    code = f"import sys; {code}; print(*[m for m in {modules.split()!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()
