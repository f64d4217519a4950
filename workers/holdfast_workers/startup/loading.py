"""Finding the App that a worker serves."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Protocol, runtime_checkable

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import AppBroken, AppNotFound, HoldfastError


@runtime_checkable
class App(Protocol):
    """Anything with a registry, such as ``holdfast.App``."""

    def registry(self) -> Registry:
        """What it serves."""
        ...


def load_app(name: str) -> App:
    """Import the App named ``module:attribute`` (``module`` alone means ``module:app``).

    The current folder is searched first, as ``python -m`` does.

    Raises:
        AppNotFound: The module or attribute does not exist, or it is not an App.
        AppBroken: The module, or a module that it imports, raised an error.
    """
    module_name, _, attribute = name.partition(":")
    attribute = attribute or "app"
    if not all(part.isidentifier() for part in f"{module_name}.{attribute}".split(".")):
        raise AppNotFound(f"{name!r} does not have that form")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module_name)
    except HoldfastError:
        raise
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise AppNotFound(f"no module {module_name!r} in {here}") from None
        raise AppBroken(f"{where(error, here)}{type(error).__name__}: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise AppNotFound(f"{module_name} has no {attribute!r}")
        found = getattr(found, part)
    if isinstance(found, type) or not isinstance(found, App):
        raise AppNotFound(f"{module_name}:{attribute} is a {type(found).__name__}, not an App")
    return found


def where(error: BaseException, folder: str) -> str:
    """File and line in the user's code that raised; empty if the error already names it."""
    if isinstance(error, SyntaxError):
        return ""
    frames = [f"{frame.filename}:{frame.lineno}: " for frame in traceback.extract_tb(error.__traceback__)]
    own = [frame for frame in frames if frame.startswith(folder)]
    return (own or frames)[-1]
