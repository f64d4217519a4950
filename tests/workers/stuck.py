"""An App whose model is nowhere, for what a worker counts when it fails."""

from __future__ import annotations

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec, RetryPolicy

AGENT = AgentSpec(
    name="stuck",
    instructions="Help.",
    models=("openai:nowhere",),
    model_retry=RetryPolicy(attempts=3, first_delay=0.05, max_delay=0.1),
)


class StuckApp:
    """What ``load_app`` takes for an App."""

    def registry(self) -> Registry:
        """One agent without tools."""
        return Registry(agents={AGENT.name: AGENT}, tools={AGENT.name: {}})


app = StuckApp()
