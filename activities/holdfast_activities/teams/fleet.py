"""The activities of fleets: opening one, and storing, finding and reading its items."""

from pydantic import TypeAdapter
from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.session.admin.content import turn_view
from holdfast_activities.session.admin.payload import fitting
from holdfast_activities.session.common.agents import LiveAgents
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.errors import SessionNotFound, StateBehind, UnknownAgent
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.teams.children import ChildOutcome, Parent
from holdfast_workflows.contracts.teams.fleets import (
    ITEM_REF,
    FindOutcomes,
    FleetItem,
    FoundOutcomes,
    Item,
    ItemPage,
    OpenedFleet,
    OpenFleet,
    PreparedItem,
    PreparedItems,
    PrepareItems,
    ReadItems,
)
from holdfast_workflows.contracts.text.unicode import preview, size

from .orphans import child_outcome

_ITEMS = TypeAdapter(tuple[Item, ...])

_LARGEST = 200_000
"""Bytes of a reply that a page contains; the client reads a larger one from the log."""


class FleetItems:
    """The activities of fleets."""

    def __init__(
        self, registry: Registry, state: State, agents: LiveAgents, identity: IdentityRequests
    ) -> None:
        self._registry = registry
        self._state = state
        self._agents = agents
        self._identity = identity

    @activity.defn(name=names.OPEN_FLEET)
    @reports_failures
    async def open_fleet(self, request: OpenFleet) -> OpenedFleet:
        """Check who starts a fleet, and return what each of its sessions starts with."""
        principal, (tenant, user) = self._identity.opened(request)
        spec = self._registry.agents.get(request.agent)
        if spec is None:
            known = ", ".join(sorted(self._registry.agents)) or "none"
            elsewhere = await self._agents.elsewhere(request.agent)
            raise UnknownAgent(f"asked for {request.agent!r}; served: {known}", retryable=elsewhere)
        # A row, so that the fleet's texts have an owner and are erased with those of its user.
        opened = await self._state.open_session(
            request.session, request.agent, "", tenant, user, status="closed"
        )
        before = None if opened else await self._state.load_session(request.session)
        if principal is not None and before is not None:
            access.check_session(principal, "start", request.session, (before.tenant, before.user))
        return OpenedFleet(
            tenant=tenant,
            user=user,
            parent=Parent(session=request.session, root=request.session, depth=1, principal=principal),
            structured=request.output or spec.output is not None,
        )

    @activity.defn(name=names.PREPARE_ITEMS)
    @reports_failures
    async def prepare_items(self, request: PrepareItems) -> PreparedItems:
        """Store the messages of items for their sessions."""
        items = await self._items(request.session, request.ref)
        found: list[PreparedItem] = []
        for place, session in request.items:
            text = items[place].message
            await self._state.store_text(session, ITEM_REF, text)
            found.append(PreparedItem(text=preview(text), size=size(text)))
        return PreparedItems(items=tuple(found))

    async def _items(self, fleet: str, ref: str) -> tuple[Item, ...]:
        text = await self._state.load_text(fleet, ref)
        if text is None:
            raise StateBehind(f"items {ref} of fleet {fleet} are not in it")
        return _ITEMS.validate_json(text)

    @activity.defn(name=names.FIND_OUTCOMES)
    @reports_failures
    async def find_outcomes(self, request: FindOutcomes) -> FoundOutcomes:
        """Return the outcomes of those sessions that have ended."""
        found: dict[str, ChildOutcome] = {}
        for session in request.sessions:
            if outcome := await self._outcome(request.session, session):
                found[session] = outcome
        return FoundOutcomes(outcomes=found)

    async def _outcome(self, fleet: str, session: str) -> ChildOutcome | None:
        try:
            outcome = await child_outcome(fleet, session)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            gone = SessionNotFound(session)
            return ChildOutcome(
                id=session, agent="", status="failed", error_code=gone.code, error=preview(str(gone))
            )
        if outcome is not None and outcome.status == "cancelled" and outcome.usage == Usage():
            row = await self._state.load_session(session)
            return outcome.model_copy(update={"usage": row.usage}) if row else outcome
        return outcome

    @activity.defn(name=names.READ_ITEMS)
    @reports_failures
    async def read_items(self, request: ReadItems) -> ItemPage:
        """Return a page of items with their results."""
        items = (await self._items(request.session, request.ref))[request.first :]
        pairs = zip(items, request.sessions, strict=False)
        return ItemPage(items=fitting([await self._read(item, session) for item, session in pairs]))

    async def _read(self, item: Item, session: str) -> FleetItem:
        found = FleetItem(id=item.id, message=preview(item.message), session=session, status="pending")
        records = await self._state.load_turns(session, count=1) if session else []
        if not records:
            return found
        view = turn_view(records[0])
        entries = await self._state.log.read(session, view.reply_seq, view.reply_seq + 1)
        text = entries[0].text if view.reply_seq and entries else view.reply
        changes: dict[str, object] = {
            "status": view.status,
            "reply": None if size(text) > _LARGEST else text,
            "reply_seq": view.reply_seq,
            "usage": view.usage,
            "seconds": max(0.0, view.ended - view.started),
            "error": view.error,
        }
        return found.model_copy(update=changes)
