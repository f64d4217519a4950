"""Every activity a worker registers, sharing one state, one cache and one set of models."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from holdfast_activities.context import Conversations, TokenCalibration
from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.draining import Drainer
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.agent.app import Registry

from .admin.breakers_and_budgets import BreakersAndBudgets
from .admin.content import Content
from .admin.erase import Erase
from .admin.maintain import Maintain
from .admin.memory import MemoryAdmin
from .admin.set_aside import SetAside
from .common.agents import LiveAgents, ModelSource, Served
from .common.builtin_tools import BuiltinTools
from .common.memory_tools import MemoryTools
from .load_agent import LoadAgent
from .memory.compact import Compact
from .memory.recall import Recall
from .memory.remember import RememberTurn
from .model_call.side_call import SideCall
from .model_call.step_loop import WorkerDependencies
from .model_call.think import Think
from .settle_turn import SettleTurn
from .tool_call.act import Act
from .tool_call.ledger import Ledger
from .tool_call.resolution import ResolveEffect


class Activities:
    """The activities of one worker.

    Attributes:
        drainer: Applies memory changes in the background.
    """

    def __init__(
        self,
        registry: Registry,
        state: State,
        models: ModelSource,
        resilience: Resilience,
        memory: Memories | None = None,
        served: Served | None = None,
    ) -> None:
        """The activities over what they share.

        Args:
            registry: What is served.
            state: The open state database.
            models: Where model clients come from.
            resilience: This worker's breakers, limits and retries; its owner closes it.
            memory: The memories; its owner closes them. Without it turns go on without memories, and what
                is to be remembered waits for a worker that has them.
            served: Asks which agents any worker of the task queue serves; without it, only this one's count.
        """
        applying = Applying(state.outbox, memory)
        agents = LiveAgents(
            registry, state, models, BuiltinTools(state.log, MemoryTools(memory, applying)), served
        )
        conversations = Conversations(state.log)
        side_call = SideCall(state.budgets, resilience)
        self._ratios = ratios = TokenCalibration(state.calibration)
        self._load = LoadAgent(registry, state, agents)
        self._think = Think(registry, agents, WorkerDependencies(state, conversations, resilience, ratios))
        self._act = Act(state, agents, Ledger(state, conversations), resilience)
        self._settle = SettleTurn(state)
        self._content = Content(registry, state)
        self._operating = BreakersAndBudgets(state)
        self._deciding = ResolveEffect(state)
        self._recall = Recall(state, conversations, agents, memory)
        self._remember = RememberTurn(
            state.log, state.budgets, agents, memory, applying, side_call, registry.tenants
        )
        self._compact = Compact(state.log, conversations, agents, side_call, ratios, registry.tenants)
        self._memories = MemoryAdmin(state, memory, applying)
        self._erase = Erase(state, conversations, memory)
        self._aside = SetAside(state)
        self._maintain = Maintain(state.erasing, memory, applying)
        self.drainer = Drainer(applying, state.outbox, state.erasing, conversations.forget)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the background work of a worker until the end of the block."""
        async with self.drainer.running():
            try:
                yield
            finally:
                await self._ratios.close()

    def all(self) -> list[Callable[..., Any]]:
        """The activities to register with a Temporal worker."""
        return [
            self._load.load_agent,
            self._think.think,
            self._act.act,
            self._settle.settle_turn,
            self._content.read_log,
            self._content.read_text,
            self._content.store_text,
            self._content.read_turn,
            self._content.list_agents,
            self._operating.list_effects,
            self._deciding.decide_effect,
            self._operating.list_breakers,
            self._operating.set_breaker,
            self._operating.list_budgets,
            self._recall.recall,
            self._remember.remember_turn,
            self._compact.compact,
            self._memories.read_manifests,
            self._memories.search_memories,
            self._memories.add_memory,
            self._memories.forget_memories,
            self._memories.memory_stats,
            self._memories.migrate_memory,
            self._erase.erase,
            self._maintain.maintain,
            self._aside.set_aside,
        ]
