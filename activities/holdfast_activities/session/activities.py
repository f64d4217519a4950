"""Every activity a worker registers, sharing one state, one cache and one set of models."""

from collections.abc import Callable
from typing import Any

from holdfast_activities.context import Conversations, Ratios
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.base import State
from holdfast_workflows.contracts.app import Registry

from .act import Act
from .agents import LiveAgents, ModelSource
from .burst import Means
from .content import Content
from .ledger import Ledger
from .load import Load
from .operating import Operating
from .settle import Settle
from .think import Think


class Activities:
    """The activities of one worker."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        models: ModelSource,
        resilience: Resilience,
        ledger: type[Ledger] = Ledger,
    ) -> None:
        """The activities over what they share.

        Args:
            registry: What is served.
            state: The open state database.
            models: Where model clients come from.
            resilience: This worker's breakers, limits and retries; its owner closes it.
            ledger: Keeps the effects of calls.
        """
        agents = LiveAgents(registry, state, models)
        conversations = Conversations(state.log)
        self._load = Load(registry, state, agents)
        self._think = Think(
            registry, agents, Means(state, conversations, resilience, Ratios(state.shared.ratios))
        )
        self._act = Act(state, agents, ledger(state, conversations), resilience)
        self._settle = Settle(state)
        self._content = Content(registry, state)
        self._operating = Operating(state)

    def all(self) -> list[Callable[..., Any]]:
        """What to give to a Temporal worker."""
        return [
            self._load.load_agent,
            self._think.think,
            self._act.act,
            self._settle.settle_turn,
            self._content.read_log,
            self._content.read_text,
            self._content.store_text,
            self._content.list_agents,
            self._operating.list_effects,
            self._operating.list_circuits,
            self._operating.set_circuit,
            self._operating.list_accounts,
        ]
