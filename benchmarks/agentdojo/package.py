"""AgentDojo from the package index, in a cache of its own.

It depends on the clients of many model providers, which only its own pipelines call. So it is installed without them,
and imports of them get empty modules.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

VERSION = "0.1.35"
BENCHMARK = "v1.2"

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = _CACHE / "holdfast" / f"agentdojo-{VERSION}"

_NEEDED = ("deepdiff==8.6.1", "email-validator", "pyyaml")
_PROVIDERS = frozenset({
    "anthropic", "cohere", "dotenv", "google", "langchain", "openai", "requests", "tenacity", "torch",
    "transformers",
})  # fmt: skip


def install() -> None:
    """Install AgentDojo into the cache once, and make it importable."""
    done = FOLDER / "installed"
    if not done.exists():
        into = ("--target", str(FOLDER), "--python", sys.executable)
        for packages in ((f"agentdojo=={VERSION}", "--no-deps"), _NEEDED):
            command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", *into, *packages]
            subprocess.run(command, check=True)
        done.touch()
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
        sys.meta_path.append(_EmptyModules())


def module(name: str) -> Any:
    """Import one of AgentDojo's modules, or one that it needs; type checkers do not know the cache."""
    install()
    return import_module(name)


class _Anything:
    """Stands for every name of a provider's client: a decorator, a type, a constant."""

    def __init__(self, *_given: object, **_options: object) -> None:
        pass

    def __call__(self, *given: object, **_options: object) -> object:
        return given[0] if len(given) == 1 and callable(given[0]) else _Anything()

    def __getattr__(self, name: str) -> object:
        return _Anything()

    def __or__(self, other: object) -> object:
        return object

    __ror__ = __or__

    def __getitem__(self, item: object) -> object:
        return self


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {}) if name[:1].isupper() else _Anything()


class _EmptyModules(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        missing = fullname.partition(".")[0] in _PROVIDERS
        return ModuleSpec(fullname, self, is_package=True) if missing else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []
