"""A whole Holdfast in one test: Temporal, state, models, a worker and a client.

    async with ScriptedModel([say("Hello.")]) as model, Environment.start(app, model) as holdfast:
        session = await holdfast.client.start("greeter", "Hi!")
        assert (await session.wait()).text == "Hello."

Everything is real except the model. With ``time_skipping=True`` the clock of a session that
only waits jumps to its next timer, so a retry after an hour takes a moment.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from temporalio.client import Client as TemporalClient
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from holdfast_activities.identity import Verifier
from holdfast_activities.memory import make_memories
from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.resilience import Resilience
from holdfast_activities.scratch import scratch_folder
from holdfast_activities.state import State, cipher_of, open_state
from holdfast_client import Client, connect
from holdfast_temporal import Connection, DevServer, ensure_search_attributes
from holdfast_temporal import connect as connect_temporal
from holdfast_workers.settings import Settings
from holdfast_workers.startup.identity import exchanging, make_verifier
from holdfast_workers.startup.lifespan import with_dependencies
from holdfast_workers.startup.loading import App
from holdfast_workers.tracing.opening import recording
from holdfast_workers.wiring import build_worker
from holdfast_workflows.contracts.agent.app import Registry

from .server.server import ScriptedModel
from .server.spawn import SpawnedModel
from .timeskipping import skipping_server


@dataclass
class Environment:
    """A running Holdfast, made by ``Environment.start``; ``clock`` is None without time skipping."""

    client: Client
    temporal: TemporalClient
    state: State
    task_queue: str
    clock: WorkflowEnvironment | None
    _registry: Registry = field(repr=False)
    _models: Models = field(repr=False)
    _providers: dict[str, ProviderConfig] = field(repr=False)
    _settings: Settings = field(repr=False)
    _stack: AsyncExitStack = field(repr=False)
    _verifier: Verifier | None = field(repr=False)

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        app: App,
        model: ScriptedModel | SpawnedModel | None,
        *,
        server: str | None = None,
        state_url: str | None = None,
        memory_url: str = "",
        embeddings: str = "none",
        time_skipping: bool = False,
        worker: bool = True,
        deps: object = ...,
        **settings: Any,
    ) -> AsyncGenerator[Environment]:
        """Start everything; stop it at the end of the block.

        Args:
            app: The app that the worker serves.
            model: Answers for all OpenAI and Anthropic models of the app. None calls the providers of the environment
                variables, as a worker does.
            server: The address of a Temporal server; by default one in memory is started.
            state_url: The state database; by default a new SQLite file.
            memory_url: The memory store; by default a new file.
            embeddings: As in ``HOLDFAST_EMBEDDINGS``; by default memories are found by their words.
            time_skipping: Start a server that skips the time in which a session only waits.
            worker: Whether to run a worker in this process. It serves all service queues, too.
            deps: The tools' ``ctx.deps``, instead of what the app's lifespan yields: the lifespan is then not entered.
                By default it is entered once, and all workers share its value.
            settings: More worker settings, as in ``holdfast_workers.settings.Settings``.
        """
        async with AsyncExitStack() as stack:
            home = stack.enter_context(scratch_folder("run"))
            queue = f"test-{uuid.uuid4().hex}"
            given = {"queues": "*", "memory_url": memory_url, "embeddings": embeddings, **settings}
            loaded = Settings.load(task_queue=queue, home=home, state_url=state_url, **given)
            connection = loaded.connection()
            clock = await stack.enter_async_context(skipping_server(connection)) if time_skipping else None
            temporal = clock.client if clock else await _reached(server, home, connection, stack)
            state = await _opened(state_url or f"sqlite:///{home}/state.db", loaded, connection)
            stack.push_async_callback(state.close)
            providers = providers_of(model) if model is not None else loaded.model_providers()
            registry = app.registry()
            if deps is ...:
                registry = await stack.enter_async_context(with_dependencies(registry))
            else:
                registry = replace(registry, deps=deps)
            stack.push_async_callback((models := Models(providers, prices=loaded.own_prices())).close)
            made = cls(
                client=await connect(temporal=temporal, task_queue=queue),
                temporal=temporal,
                state=state,
                task_queue=queue,
                clock=clock,
                _registry=registry,
                _models=models,
                _providers=providers,
                _settings=loaded,
                _stack=stack,
                _verifier=make_verifier(loaded),
            )
            await stack.enter_async_context(exchanging(made._verifier, temporal, queue))
            if worker:
                await stack.enter_async_context(made.worker())
            yield made

    def worker(self, **settings: Any) -> Worker:
        """One more worker, like another process; use it with ``async with``.

        ``queues="search"`` is one of that service queue only, ``queues=""`` one of none.
        """
        changed = self._settings.model_copy(update=settings)
        resilience = Resilience(self.state)
        self._stack.push_async_callback(resilience.close)
        memory = make_memories(
            changed.memory(),
            changed.embeddings,
            changed.home,
            self._providers,
            resilience.breakers,
            cipher=self.state.cipher,
        )
        self._stack.push_async_callback(memory.close)
        return build_worker(
            self.temporal,
            self._registry,
            self.state,
            self._models,
            resilience,
            changed,
            memory,
            self._verifier,
            self._stack.enter_context(recording(changed, self._registry.name)),
        )


async def _opened(url: str, loaded: Settings, connection: Connection) -> State:
    cipher = cipher_of(connection.keyring(), accept_clear=connection.accept_clear)
    return await open_state(url, keys=loaded.signing_keys(), cipher=cipher)


async def _reached(
    server: str | None, home: Path, connection: Connection, stack: AsyncExitStack
) -> TemporalClient:
    """A client of the server at that address, or of one that ends with the stack."""
    if server is None:
        started = await stack.enter_async_context(DevServer(home, memory=True, ui=False))
        server = started.address
    temporal = await connect_temporal(server, settings=connection)
    await ensure_search_attributes(temporal)
    return temporal


def providers_of(model: ScriptedModel | SpawnedModel) -> dict[str, ProviderConfig]:
    """Both wire formats, served by a scripted model."""
    return {
        "openai": ProviderConfig("openai", base_url=model.openai_url),
        "anthropic": ProviderConfig("anthropic", base_url=model.url),
    }


__all__ = ["Environment", "providers_of"]
