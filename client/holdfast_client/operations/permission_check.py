"""The dry run: decide the calls of recorded sessions again by the rules of an App."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import AppBroken, AppNotFound, HoldfastError, UnknownAgent
from holdfast_workflows.contracts.permissions.levels import levels_of
from holdfast_workflows.contracts.permissions.recorded import PermissionChange, Recorded

if TYPE_CHECKING:
    from holdfast_client.client import Client


async def changes(
    client: Client, registry: Registry, sessions: Sequence[str]
) -> AsyncGenerator[tuple[str, list[PermissionChange]]]:
    """Yield each session with its calls that the registry's rules would decide differently.

    Raises:
        UnknownAgent: The registry does not have a session's agent.
    """
    recorded = Recorded()
    for id in sessions:
        session = client.session(id)
        view = await session.view(0)
        spec = registry.agents.get(view.agent)
        if spec is None:
            raise UnknownAgent(f"session {id} is of {view.agent!r}; the App has {', '.join(registry.agents)}")
        asked = [event.seq for event in view.events if event.kind == "permission" and event.status == "ask"]
        entries = [entry async for entry in session.transcript()]
        yield (
            id,
            recorded.changes(
                id,
                entries,
                levels_of(registry, spec, view.tenant),
                registry.tools[view.agent],
                asked,
                tenant=view.tenant,
                user=view.user,
            ),
        )


def registry_of(name: str) -> Registry:
    """Import the App named ``module:attribute`` from the current folder and return its registry.

    Raises:
        AppNotFound: There is no App of that name.
        AppBroken: Its module raised an error.
    """
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
        for part in (attribute or "app").split("."):
            found = getattr(found, part)
        return cast("Registry", found.registry())
    except HoldfastError:
        raise
    except (ModuleNotFoundError, AttributeError, TypeError, ValueError) as error:
        raise AppNotFound(f"{name!r}: {error}") from error
    except Exception as error:
        raise AppBroken(f"{name!r}: {type(error).__name__}: {error}") from error
