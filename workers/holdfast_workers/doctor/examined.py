"""The deployment that is examined, and its connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.client import Client

from holdfast_activities.memory import Memories, make_memories
from holdfast_activities.models import Models
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import State, open_state
from holdfast_temporal import connect
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.agent.app import Registry

if TYPE_CHECKING:
    from .scratch.deployment import Scratch


@dataclass(frozen=True)
class Options:
    """What the caller allows and names.

    ``call_models`` makes one small real call per model. ``replay`` is the number of recent sessions to replay.
    ``workers`` and ``prometheus`` are addresses such as ``http://worker:8000``. ``floor`` is the least steps in a
    second.
    """

    call_models: bool = False
    replay: int = 10
    workers: tuple[str, ...] = ()
    prometheus: str = ""
    floor: float = 5.0


@dataclass
class Examined:
    """An App with the settings of its workers. Connections open at first use, and close with ``opened``."""

    registry: Registry
    settings: Settings
    module: str
    folder: Path
    options: Options = Options()  # frozen
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _client: Client | None = None
    _state: State | None = None
    _models: Models | None = None
    _memory: Memories | None = None
    _scratch: Scratch | None = None

    async def client(self) -> Client:
        """Temporal.

        Raises:
            TemporalUnreachable: It did not answer.
        """
        if self._client is None:
            self._client = await connect(settings=self.settings.connection(), folder=self.settings.home)
        return self._client

    async def state(self) -> State:
        """The state database, whose tables are left as they are.

        Raises:
            StateNotMigrated: Its tables are missing or old.
            StateUnavailable: It did not answer.
        """
        if self._state is None:
            self._state = await open_state(
                self.settings.state(),
                migrate=False,
                scope=self.settings.scope(),
                keys=self.settings.existing_keys(),
                cipher=self.settings.cipher(),
            )
            self._stack.push_async_callback(self._state.close)
        return self._state

    def models(self) -> Models:
        """The clients of models."""
        if self._models is None:
            self._models = Models(self.settings.model_providers(), prices=self.settings.own_prices())
            self._stack.push_async_callback(self._models.close)
        return self._models

    async def memory(self) -> Memories:
        """The memory store."""
        if self._memory is None:
            state = await self.state()
            resilience = Resilience(state)
            self._stack.push_async_callback(resilience.close)
            self._memory = make_memories(
                self.settings.memory(),
                self.settings.embeddings,
                self.settings.home,
                self.settings.model_providers(),
                resilience.breakers,
                state_url=self.settings.state(),
                cipher=state.cipher,
            )
            self._stack.push_async_callback(self._memory.close)
        return self._memory

    async def scratch(self) -> Scratch:
        """A scratch deployment, which the checks share."""
        if self._scratch is None:
            from .scratch.deployment import scratch  # a worker's dependencies

            folder = self.folder / "scratch"
            folder.mkdir(exist_ok=True)
            made = scratch(await self.client(), self.settings, folder)
            self._scratch = await self._stack.enter_async_context(made)
        return self._scratch

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Examined]:
        """Close at the end what the checks opened."""
        async with self._stack:
            yield self
