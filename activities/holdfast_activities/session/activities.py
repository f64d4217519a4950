"""Every activity a worker registers, sharing one state, one cache and one set of models."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from holdfast_activities.context import Conversations, TokenCalibration
from holdfast_activities.debugging.configuration import DebuggingActivities
from holdfast_activities.debugging.keeping import DebugRecords
from holdfast_activities.debugging.patterns import PatternActivities
from holdfast_activities.evaluation.forking import Forks
from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.identity.verifier import Verifier
from holdfast_activities.memory.memories import Memories
from holdfast_activities.memory.outbox.applying import Applying
from holdfast_activities.memory.outbox.draining import Drainer
from holdfast_activities.notifications import Sender
from holdfast_activities.operations.costs import Costs
from holdfast_activities.operations.maintenance.settings import MaintenanceSettings
from holdfast_activities.operations.monitor.adjust import Adjust
from holdfast_activities.operations.monitor.observe import Observe
from holdfast_activities.operations.retention.requests import RetentionRequests
from holdfast_activities.resilience import Resilience
from holdfast_activities.state.database import State
from holdfast_activities.teams.fleet import FleetItems
from holdfast_activities.teams.orphans import Orphans
from holdfast_activities.teams.routing.knowledge import Knowledge
from holdfast_activities.teams.routing.loads import ReadAgentLoads
from holdfast_activities.teams.routing.needs import NeedsOfMessages
from holdfast_activities.teams.routing.places import Places
from holdfast_activities.teams.routing.route import RouteSession
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import WorkerMissing

from .admin.audit import Audit
from .admin.boards import Boards
from .admin.breakers_and_budgets import BreakersAndBudgets
from .admin.content import Content
from .admin.erase import Erase
from .admin.maintain import Maintain
from .admin.memory import MemoryAdmin
from .admin.set_aside import SetAside
from .common.agents import LiveAgents, ModelSource, Served
from .common.builtin_tools import BuiltinTools
from .common.instructions import TurnInstructions
from .load_agent import LoadAgent
from .memory.compact import Compact
from .memory.recall import Recall
from .memory.remember import RememberTurn
from .model_call.side_call import SideCall
from .model_call.step_loop import WorkerDependencies
from .model_call.think import Think
from .notify import Notify
from .schedules import Schedules
from .settle_turn import SettleTurn
from .tool_call.act import Act
from .tool_call.approvals import Approvals
from .tool_call.ledger import Ledger
from .tool_call.resolution import ResolveEffect

if TYPE_CHECKING:
    from holdfast_activities.tools.mcp.servers import McpServers


class Activities:
    """The activities of one worker."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        models: ModelSource,
        resilience: Resilience,
        memory: Memories | None = None,
        served: Served | None = None,
        verifier: Verifier | None = None,
        maintenance: MaintenanceSettings | None = None,
    ) -> None:
        """Create the activities. The caller closes what it passes.

        Without ``memory`` turns go on without memories, and new ones wait for a worker that has a store. ``served``
        returns the agents that any worker of the task queue serves; without it only this worker's count.
        With ``verifier`` the starts of sessions are verified.
        """
        applying, self._servers = Applying(state.outbox, memory), _servers(registry)
        builtin = BuiltinTools(state.log, state.boards, memory, applying)
        agents = LiveAgents(registry, state, models, builtin, served, self._servers)
        conversations = Conversations(state.log)
        tenants, texts = registry.tenants, TurnInstructions(state, registry)
        side_call, identity = SideCall(state.budgets, resilience, tenants), IdentityRequests(verifier)
        places = Places(registry, state)
        self._ratios = ratios = TokenCalibration(state.calibration)
        self.drainer = Drainer(applying, state.outbox, state.erasing, conversations.forget)
        """Applies memory changes in the background."""
        self._all = _activities_of(
            LoadAgent(registry, state, agents, identity, places, self._servers),
            Think(tenants, agents, WorkerDependencies(state, conversations, resilience, ratios, texts)),
            Act(state, agents, Ledger(state, conversations, resilience.metrics), resilience),
            SettleTurn(state, places),
            *_routing(registry, state, identity, places, NeedsOfMessages(registry, state, agents, side_call)),
            Content(registry, state),
            *(kind(state) for kind in _ON_STATE),
            Recall(state, conversations, agents, memory),
            RememberTurn(state.log, state.budgets, agents, memory, applying, side_call),
            Compact(state, conversations, agents, side_call, ratios),
            MemoryAdmin(state, memory, applying),
            Erase(state, conversations, memory, applying),
            Observe(registry, state, memory),
            Maintain(identity, state, memory, applying, maintenance or MaintenanceSettings()),
            Schedules(registry, identity),
            identity,
            Approvals(state, agents),
            Notify(Sender(state, registry.notifications)),
            FleetItems(registry, state, agents, identity),
            Orphans(),
            Forks(registry, state, agents, models, identity),
            RetentionRequests(state),
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the background work of a worker until the end of the block."""
        async with self.drainer.running(), self._servers.running() if self._servers else nullcontext():
            try:
                yield
            finally:
                await self._ratios.close()

    def of_services(self) -> list[Callable[..., Any]]:
        """The activities to register for service queues: those that sessions have made there."""
        return [each for each in self._all if isinstance(getattr(each, "__self__", None), _OF_SERVICES)]

    def all(self) -> list[Callable[..., Any]]:
        """The activities to register with a Temporal worker."""
        return self._all


_ON_STATE = (
    BreakersAndBudgets,
    Costs,
    ResolveEffect,
    SetAside,
    Audit,
    Boards,
    Adjust,
    DebuggingActivities,
    DebugRecords,
    PatternActivities,
)
"""Activities that need nothing but the state database."""

_OF_SERVICES = (Think, Act, Recall, RememberTurn, Compact)


def _servers(registry: Registry) -> "McpServers | None":
    if not any(registry.servers.values()):
        return None
    if find_spec("mcp") is None:
        raise WorkerMissing('an app with MCP servers needs `pip install "holdfast[mcp]"`')
    from holdfast_activities.tools.mcp.servers import McpServers  # half a second, so only where it is needed

    return McpServers(registry)


def _routing(
    registry: Registry, state: State, identity: IdentityRequests, places: Places, needs: NeedsOfMessages
) -> tuple[object, ...]:
    knowledge = Knowledge(state)
    route = RouteSession(registry, state, identity, knowledge, places, needs)
    return route, ReadAgentLoads(registry, state, knowledge)


def _activities_of(*holders: object) -> list[Callable[..., Any]]:
    """The methods of the holders that are activities."""
    return [
        getattr(holder, name)
        for holder in holders
        for name, method in vars(type(holder)).items()
        if hasattr(method, "__temporal_activity_definition")  # set by @activity.defn
    ]
