"""Which environment variables a process reads, found in its code from the function of its command."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from holdfast_workers.settings import Settings

_ROOM: Final = "holdfast_workers"
_SETTINGS: Final = f"{_ROOM}.settings"

STARTS: Final = {
    "worker": (f"{_ROOM}.process", "main"),
    "state-upgrade": (f"{_ROOM}.command", "upgrade_state"),
    "codec-server": (f"{_ROOM}.encryption.command", "codec_server"),
    "probe": (f"{_ROOM}.probe.command", "probe"),
}
"""The function of each process that the deployments start."""

_OTHERS: Final = {
    "memory": ("WEAVIATE_API_KEY",),
    "model_providers": ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
}
"""Variables without the prefix, by the method of the settings without which they are not needed."""


def reads(process: str) -> set[str]:
    """The names of all variables that a process reads."""
    used = set[str]()
    seen, left = set[tuple[str, str]](), [STARTS[process]]
    while left:
        place = left.pop()
        if place in seen:
            continue
        seen.add(place)
        for node in _parts(*place):
            used |= _of_settings(node)
            left += _called(place[0], node)
    fields = {field for name in used for field in _fields(name)}
    names = {f"HOLDFAST_{field.upper()}" for field in fields}
    return names.union(*(_OTHERS.get(name, ()) for name in used))


def _parts(module: str, name: str) -> list[ast.AST]:
    return [each for each in _tree(module).body if getattr(each, "name", None) == name]


def _of_settings(tree: ast.AST) -> set[str]:
    """The attributes of settings that are used."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base = node.value
            owner = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
            if owner.strip("_") == "settings" and hasattr(Settings, node.attr) | (
                node.attr in Settings.model_fields
            ):
                found.add(node.attr)
    return found


def _called(module: str, tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The functions and classes of the room that a piece of code names."""
    imported = {**_imports(module, _tree(module).body), **_imports(module, ast.walk(tree))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield imported.get(node.id, (module, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of, name = imported.get(node.value.id, ("", ""))
            if of.startswith(_ROOM):
                yield f"{of}.{name}", node.attr


def _imports(module: str, nodes: Iterator[ast.AST] | list[ast.stmt]) -> dict[str, tuple[str, str]]:
    found = dict[str, tuple[str, str]]()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            parents = module.split(".")[: -node.level] if node.level else []
            of = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {each.asname or each.name: (of, each.name) for each in node.names}
    return found


@cache
def _tree(module: str) -> ast.Module:
    own = module.startswith(_ROOM) and module != _SETTINGS
    try:
        spec = find_spec(module) if own else None
    except ModuleNotFoundError:  # a class's attribute, not a module's
        spec = None
    if spec is None or spec.origin is None:
        return ast.Module([], [])
    return ast.parse(Path(spec.origin).read_text("utf-8"))


@cache
def _methods() -> dict[str, set[str]]:
    """The methods of the settings, and which fields and methods each uses."""
    spec = find_spec(_SETTINGS)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    [settings] = (each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "Settings")
    return {
        each.name: {
            node.attr
            for node in ast.walk(each)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        }
        for each in settings.body
        if isinstance(each, ast.FunctionDef)
    }


def _fields(name: str) -> set[str]:
    if name in Settings.model_fields:
        return {name}
    return {field for used in _methods().get(name, ()) for field in _fields(used)}
