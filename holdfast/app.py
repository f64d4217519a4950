"""An App: the agents that a worker serves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, get_args

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.control.inbox import ItemKind
from holdfast_workflows.contracts.control.notifications import Apprise, Webhook
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.permissions import checking
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.routing import Router
from holdfast_workflows.contracts.text.nearest import no_such

from . import declare, limits
from .agent import Agent
from .teams.checks import check_handoffs, check_members, routers_by_name, teams_by_name
from .teams.team import Team


@public
class App:
    """What ``holdfast dev module:app`` and ``holdfast worker module:app`` load.

    Attributes:
        agents: The agents by name.
        teams: The teams by name.
        workflows: Your own workflows, which run in Temporal's sandbox.
        activities: Your own activities.
        tenants: Limits by tenant; ``"*"`` is for all others.
        name: The app's name; empty for the only app of a Temporal namespace. Unless HOLDFAST_TASK_QUEUE is set,
            its task queue is ``holdfast-<name>``, or ``holdfast`` without a name.
        lifespan: Makes what the tools share, or None.
        permissions: Rules on the tool calls of all agents, or None.
        notifications: Where notifications about what waits for people are sent.
        secrets: References to what the lifespan and your own activities read themselves, so that workers check and
            redact it, too.
        routers: Find out what messages need, for requests with ``Route(router="…")``.
    """

    @known_options("App")
    def __init__(
        self,
        *,
        agents: Sequence[Agent[Any]],
        teams: Sequence[Team[Any]] = (),
        name: str = "",
        workflows: Sequence[type] = (),
        activities: Sequence[Callable[..., Any]] = (),
        tenants: Mapping[str, TenantLimits] | None = None,
        lifespan: Callable[[App], AbstractAsyncContextManager[object]] | None = None,
        permissions: Permissions | None = None,
        notifications: Sequence[Webhook | Apprise] = (),
        secrets: Sequence[str] = (),
        routers: Sequence[Router] = (),
    ) -> None:
        """Collect what a worker serves.

        ``lifespan`` is an async context manager function. A worker process enters it before it takes work and leaves it
        after its last call; the value that it yields is ``ToolContext.deps``.

        Raises:
            InvalidDeclaration: No agent is given, two share a name, or a limit or the app's name is invalid.
        """
        self.name = declare.name(name, "the App") if name != "" else ""
        self.agents = _by_name(agents)
        self.teams = teams_by_name(teams, self.agents)
        check_members({**self.agents, **self.teams})
        check_handoffs(self.agents, self.teams)
        self.workflows = tuple(workflows)
        self.activities = tuple(activities)
        self.tenants = limits.tenants(tenants or {})
        self.lifespan = _checked(lifespan)
        self.permissions = _permissions(permissions, self.tenants, {**self.agents, **self.teams})
        self.notifications = _targets(notifications)
        self.secrets = declare.secrets(secrets, "the App")
        self.routers = routers_by_name(routers, self.agents)

    def registry(self) -> Registry:
        """What a worker needs to serve these agents."""
        enter = self.lifespan
        everyone: dict[str, Agent[Any] | Team[Any]] = {**self.agents, **self.teams}
        return Registry(
            agents={name: each.spec for name, each in everyone.items()},
            tools={name: each.functions for name, each in everyone.items()},
            workflows=self.workflows,
            activities=self.activities,
            tenants=self.tenants,
            instructions={
                name: function
                for name, agent in self.agents.items()
                if (function := agent.instructions_function) is not None
            },
            name=self.name,
            servers={name: agent.servers for name, agent in self.agents.items() if agent.servers},
            permissions=self.permissions,
            lifespan=None if enter is None else lambda: enter(self),
            notifications=self.notifications,
            secrets=self.secrets,
            routers=self.routers,
        )


def _permissions(
    app: Permissions | None, tenants: Mapping[str, TenantLimits], agents: Mapping[str, Agent[Any] | Team[Any]]
) -> Permissions | None:
    """Check the rules of the app and of tenants against the tools of all agents."""
    given = {f"App(tenants=…): tenant {name!r}": each.permissions for name, each in tenants.items()}
    for where, permissions in {"App": app, **given}.items():
        if permissions is not None:
            tools = {tool.name: tool for agent in agents.values() for tool in agent.spec.tools}
            checking.check(permissions, tools, where)
    return app


def _checked(
    lifespan: Any,
) -> Any:
    if lifespan is None:
        return None
    if inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan):
        raise InvalidDeclaration(
            f"App(lifespan={lifespan.__name__}) is a generator function; put @asynccontextmanager above it"
        )
    if not callable(lifespan) or inspect.iscoroutinefunction(lifespan):
        raise InvalidDeclaration(
            f"App(lifespan={lifespan!r}) is not an async context manager function; "
            "write an async function that takes the app and yields once, with @asynccontextmanager above it"
        )
    return lifespan


def _targets(given: Sequence[object]) -> tuple[Webhook | Apprise, ...]:
    found: list[Webhook | Apprise] = []
    for each in given:
        if not isinstance(each, Webhook | Apprise):
            raise InvalidDeclaration(f"App(notifications=…) contains {each!r}; give Webhook(…) or Apprise(…)")
        unknown = [kind for kind in each.kinds if kind not in get_args(ItemKind)]
        if unknown:
            raise InvalidDeclaration(
                f"{type(each).__name__}(kinds=…): {no_such('kind', unknown, get_args(ItemKind))}"
            )
        if each in found:
            raise InvalidDeclaration(f"App(notifications=…) contains {each.url!r} twice; remove one")
        found.append(each)
    return tuple(found)


def _by_name(agents: Sequence[object]) -> dict[str, Agent[Any]]:
    found: dict[str, Agent[Any]] = {}
    for given in agents:
        if not isinstance(given, Agent):
            raise InvalidDeclaration(f"App(agents=…) contains {given!r}, which is not an Agent")
        if given.name in found:
            raise InvalidDeclaration(f"two agents are named {given.name!r}; rename one of them")
        found[given.name] = given
    if not found:
        raise InvalidDeclaration("the App has no agents; give agents=[Agent(…)]")
    return found
