"""What a worker process of ``holdfast dev`` reports: JSON, one line each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import AppBroken, HoldfastError
from holdfast_workflows.contracts.errors.failures import tree

_INSTALLED: Final = {"site-packages", "dist-packages"}


class Report(BaseModel):
    """A report; with an ``error`` code the process cannot serve and ends."""

    error: str = ""
    detail: str = ""

    @classmethod
    def failed(cls, error: HoldfastError) -> Self:
        """Report an error."""
        return cls(error=error.code, detail=error.detail)

    def raise_error(self) -> Self:
        """Raise the reported error, if there is one."""
        if self.error:
            raise tree().get(self.error, AppBroken)(self.detail)
        return self


class LoadedAgent(BaseModel):
    """An agent of the App; ``memory`` is whether it has one."""

    name: str
    models: list[str]
    memory: bool


class LoadedApp(Report):
    """First report: the App. ``folders`` are where its Python files are."""

    name: str = ""
    agents: list[LoadedAgent] = []
    folders: list[str] = []

    @classmethod
    def of(cls, registry: Registry) -> Self:
        """Describe a registry."""
        agents = [
            LoadedAgent(name=agent.name, models=list(agent.models), memory=agent.memory is not None)
            for agent in registry.agents.values()
        ]
        return cls(name=registry.name, agents=agents, folders=loaded_folders())


class Prepared(Report):
    """Second report, once all libraries are loaded: the settings that the worker will use.

    ``state`` and ``memory`` are places without passwords, and ``one_process`` says that only one worker can use the
    state; ``unusable`` are the reasons why models cannot be used.
    """

    queue: str = ""
    state: str = ""
    memory: str = ""
    one_process: bool = False
    unusable: list[str] = []


def loaded_folders() -> list[str]:
    """The folders of the user's own modules: a package's top folder, or the folder of a single file."""
    here = Path.cwd()
    found: set[Path] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file:
            continue
        path = Path(file)
        if _INSTALLED.isdisjoint(path.parts) and here in path.parents:
            found.add(here / path.relative_to(here).parts[0] if path.parent != here else here)
    return sorted(map(str, {here} if here in found else found))
