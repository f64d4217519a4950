"""What a worker warns of when it starts, since its sessions would meet it later."""

from __future__ import annotations

import logging

from holdfast_activities.session.agents import ModelSource
from holdfast_workflows.contracts.app import Registry
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.resorts import SimplifiedReply
from holdfast_workflows.contracts.spec import AgentSpec

_log = logging.getLogger(__name__)


def warn_of_models(registry: Registry, models: ModelSource) -> None:
    """Log a warning for each model that cannot be asked: its provider is unknown, or its key is missing."""
    for agent in registry.agents.values():
        for name in _models(agent):
            try:
                models.get(name)
            except HoldfastError as error:
                _log.warning("agent %s cannot use model %s: %s", agent.name, name, error.detail or error)


def _models(agent: AgentSpec) -> list[str]:
    """All that the agent may ask, each once."""
    named = [
        *agent.models,
        agent.budget.cheaper if agent.budget else "",
        agent.memory.model if agent.memory else "",
        *(resort.model for resort in agent.last_resorts if isinstance(resort, SimplifiedReply)),
    ]
    return [name for name in dict.fromkeys(named) if name]
