"""The agent session: one durable conversation or task of one agent."""

from .workflow import AgentWorkflow

__all__ = ["AgentWorkflow"]
