"""Warnings at the start of a worker, for problems that sessions would meet later."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Final

from holdfast_activities.models import Models
from holdfast_activities.secrets.references import missing
from holdfast_activities.state import State
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.fallbacks import SimplifiedReply
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import HoldfastError, ModelUnpriced
from holdfast_workflows.contracts.names import OWN_TOOLS
from holdfast_workflows.contracts.text.nearest import nearest

_TIMEOUT: Final = 10.0
"""Seconds that the search for sessions may delay a start."""

_WARNINGS: Final = {
    "gone": "agent %s: tool %s was removed, and %s began with it; %s",
    "changed": "agent %s: tool %s has other parameters than %s began with; %s",
}

_log = logging.getLogger(__name__)


def unusable_models(registry: Registry, models: Models) -> dict[str, dict[str, str]]:
    """Models whose provider is unknown or whose key is missing: by agent and model, the reason."""
    found: dict[str, dict[str, str]] = {}
    for agent in registry.agents.values():
        for name in models_of(agent):
            try:
                models.check(name)
            except HoldfastError as error:
                found.setdefault(agent.name, {})[name] = error.detail or str(error)
    return found


def warn_of_settings(registry: Registry, models: Models, *, checked: bool) -> None:
    """Log what agents lack in the settings: models (unless ``checked`` before), prices and secrets."""
    if not checked:
        warn_of_models(registry, models)
    warn_of_prices(registry, models)
    warn_of_secrets(registry)


def warn_of_models(registry: Registry, models: Models) -> None:
    """Log a warning for each model that cannot be used."""
    for agent, reasons in unusable_models(registry, models).items():
        for name, reason in reasons.items():
            _log.warning("agent %s cannot use model %s: %s", agent, name, reason)


def warn_of_prices(registry: Registry, models: Models) -> None:
    """Log a warning for each model without a price that a budget in dollars would refuse.

    The list of prices is loaded only if the App declares such a budget.
    """
    tenants = any(limits.dollars_per_day is not None for limits in registry.tenants.values())
    for agent in registry.agents.values():
        if not tenants and (agent.budget is None or agent.budget.dollars is None):
            continue
        for name in models_of(agent):
            with suppress(HoldfastError):  # another warning names it
                if not models.has_price(name):
                    error = ModelUnpriced(name)
                    _log.warning(
                        "agent %s has a budget in dollars, which refuses its model: %s", agent.name, error
                    )


def warn_of_secrets(registry: Registry) -> None:
    """Log an error for each secret that the App, a tool, an MCP server or a target names and that this worker cannot read."""
    for agent, tools in registry.tools.items():
        for name, tool in tools.items():
            for error in missing(tool.spec.secrets):
                _log.error("agent %s: tool %s cannot be called: %s", agent, name, error)
    for agent, servers in registry.servers.items():
        for server in servers:
            for error in missing((*server.env.values(), *server.headers.values())):
                _log.error("agent %s: MCP server %s cannot be reached: %s", agent, server.name, error)
    for error in missing(registry.secrets):
        _log.error("the App names a secret that this worker cannot read: %s", error)
    for target in registry.notifications:
        for error in missing((target.url, getattr(target, "secret", ""))):
            _log.error("notifications by %s cannot be sent: %s", target.service, error)


def models_of(agent: AgentSpec) -> list[str]:
    """Every model that the agent may call, without duplicates."""
    named = [
        *agent.models,
        agent.budget.cheaper if agent.budget else "",
        agent.memory.model if agent.memory else "",
        *(fallback.model for fallback in agent.fallbacks if isinstance(fallback, SimplifiedReply)),
    ]
    return [name for name in dict.fromkeys(named) if name]


async def warn_of_tools(registry: Registry, state: State) -> None:
    """Log a warning for each tool of running sessions that was removed or has other parameters now."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            for (agent, tool, change), sessions in sorted((await _changes(registry, state)).items()):
                _log.warning(
                    _WARNINGS[change], agent, tool, _counted(sessions), _remedy(registry, agent, tool, change)
                )
    except (HoldfastError, TimeoutError) as error:  # only a warning: the worker starts without it
        _log.warning("the tools of running sessions could not be checked: %r", error)


async def _changes(registry: Registry, state: State) -> Counter[tuple[str, str, str]]:
    """Count sessions by agent, tool and change (``gone`` or ``changed``)."""
    found = Counter[tuple[str, str, str]]()
    for digest, sessions in (await state.pinned(list(registry.agents))).items():
        body = await state.load_spec(digest)
        if body is None:
            continue
        spec = AgentSpec.model_validate_json(body)
        functions = registry.tools.get(spec.name, {})
        for tool in spec.tools:
            now = functions.get(tool.name)
            if tool.name in OWN_TOOLS or tool.mcp is not None or tool.board is not None:
                continue
            if now is None:
                found[spec.name, tool.name, "gone"] += sessions
            elif now.spec.parameters != tool.parameters:
                found[spec.name, tool.name, "changed"] += sessions
    return found


def _counted(sessions: int) -> str:
    return "1 running session" if sessions == 1 else f"{sessions:,} running sessions"


def _remedy(registry: Registry, agent: str, tool: str, change: str) -> str:
    if change == "changed":
        return "`holdfast repin SESSION` updates a session"
    close = nearest(tool, registry.tools.get(agent, {}))
    successor = f"tool {close!r}" if close else "the tool that replaced it"
    return f"give {successor} aliases=[{tool!r}], or update sessions with `holdfast repin SESSION`"
