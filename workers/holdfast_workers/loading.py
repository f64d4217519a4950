"""Finding the App that a worker serves."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

from holdfast_workflows.contracts.app import Registry
from holdfast_workflows.contracts.errors import AppNotFound


@runtime_checkable
class App(Protocol):
    """Anything that can say what it serves; ``holdfast.App`` does."""

    def registry(self) -> Registry:
        """What it serves."""
        ...


def load_app(name: str) -> App:
    """The App named ``module:attribute`` (``module`` alone means ``module:app``).

    Modules are looked for in the current folder first, as ``python -m`` does.

    Raises:
        AppNotFound: There is no such module or attribute, or it is not an App.
    """
    module_name, _, attribute = name.partition(":")
    attribute = attribute or "app"
    if not all(part.isidentifier() for part in f"{module_name}.{attribute}".split(".")):
        raise AppNotFound(f"{name!r} is not of that form")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module is there; it is one of its own imports that is not
        raise AppNotFound(f"no module {module_name!r} in {here}") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise AppNotFound(f"{module_name} has no {attribute!r}")
        found = getattr(found, part)
    if isinstance(found, type) or not isinstance(found, App):
        raise AppNotFound(f"{module_name}:{attribute} is a {type(found).__name__}, not an App")
    return found
