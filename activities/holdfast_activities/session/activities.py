"""Every activity a worker registers, sharing one state, one cache and one set of models."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from holdfast_activities.context import Conversations, Ratios
from holdfast_activities.memory.applying import Applying
from holdfast_activities.memory.draining import Drainer
from holdfast_activities.memory.keeping import Keeping
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.base import State
from holdfast_workflows.contracts.app import Registry

from .act import Act
from .agents import LiveAgents, ModelSource, Served
from .beside import Beside
from .burst import Means
from .compact import Compact
from .content import Content
from .deciding import Deciding
from .erase import Erase
from .ledger import Ledger
from .load import Load
from .maintain import Maintain
from .memory_operating import MemoryOperating
from .memory_tools import MemoryTools
from .operating import Operating
from .own_tools import OwnTools
from .recall import Recall
from .remember import RememberTurn
from .set_aside import SetAside
from .settle import Settle
from .think import Think


class Activities:
    """The activities of one worker.

    Attributes:
        drainer: What it does for memories in the background.
    """

    def __init__(
        self,
        registry: Registry,
        state: State,
        models: ModelSource,
        resilience: Resilience,
        ledger: type[Ledger] = Ledger,
        memory: Keeping | None = None,
        served: Served | None = None,
    ) -> None:
        """The activities over what they share.

        Args:
            registry: What is served.
            state: The open state database.
            models: Where model clients come from.
            resilience: This worker's breakers, limits and retries; its owner closes it.
            ledger: Keeps the effects of calls.
            memory: The memories; its owner closes them. Without it turns go on without memories, and what
                is to be remembered waits for a worker that has them.
            served: Asks which agents any worker of the task queue serves; without it, only this one's count.
        """
        shared = state.shared
        applying = Applying(shared.outbox, memory)
        agents = LiveAgents(
            registry, state, models, OwnTools(state.log, MemoryTools(memory, applying)), served
        )
        conversations = Conversations(state.log)
        beside = Beside(shared.accounts, resilience)
        self._ratios = ratios = Ratios(shared.ratios)
        self._load = Load(registry, state, agents)
        self._think = Think(registry, agents, Means(state, conversations, resilience, ratios))
        self._act = Act(state, agents, ledger(state, conversations), resilience)
        self._settle = Settle(state)
        self._content = Content(registry, state)
        self._operating = Operating(state)
        self._deciding = Deciding(state)
        self._recall = Recall(state, conversations, agents, memory)
        self._remember = RememberTurn(
            state.log, shared.accounts, agents, memory, applying, beside, registry.tenants
        )
        self._compact = Compact(state.log, conversations, agents, beside, ratios, registry.tenants)
        self._memories = MemoryOperating(shared, memory, applying)
        self._erase = Erase(state, conversations, memory)
        self._aside = SetAside(state)
        self._maintain = Maintain(shared.erasing, memory, applying)
        self.drainer = Drainer(applying, shared.outbox, shared.erasing, conversations.forget)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Do what a worker does beside its calls, until the end of the block."""
        async with self.drainer.running():
            try:
                yield
            finally:
                await self._ratios.close()

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
            self._content.read_turn,
            self._content.list_agents,
            self._operating.list_effects,
            self._deciding.decide_effect,
            self._operating.list_circuits,
            self._operating.set_circuit,
            self._operating.list_accounts,
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
