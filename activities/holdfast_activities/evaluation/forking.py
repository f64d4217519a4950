"""Prepare a fork of a session, and copy the log to it."""

import hashlib
from collections.abc import Mapping
from typing import Any

from temporalio import activity
from temporalio.service import RPCError

from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.session.admin.set_aside import set_aside
from holdfast_activities.session.common.agents import LiveAgents, ModelSource
from holdfast_activities.session.common.audited import operated
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.session.common.instructions import copy_instructions
from holdfast_activities.state.database import SessionRow, State
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import (
    BadInput,
    ContentRemoved,
    NotPermitted,
    SessionNotFound,
    UnknownAgent,
)
from holdfast_workflows.contracts.evaluation.forks import (
    Fork,
    ForkSource,
    PreparedFork,
    PrepareFork,
    fenced_digest,
)
from holdfast_workflows.contracts.evaluation.starting import start_of
from holdfast_workflows.contracts.operations.resets import AsideInput
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.session.steps import LoadInput

from . import position

_PAGE = 50
"""Entries that are copied in one transaction."""


class Forks:
    """The activity that prepares forks."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        agents: LiveAgents,
        models: ModelSource,
        identity: IdentityRequests,
    ) -> None:
        self._identity = identity
        self._registry = registry
        self._state = state
        self._agents = agents
        self._models = models

    @activity.defn(name=names.PREPARE_FORK)
    @reports_failures
    async def prepare_fork(self, ask: PrepareFork) -> PreparedFork:
        """Find the step, and store the agent's spec with the changes.

        Raises:
            SessionNotFound: The state database has no such session.
            NothingToDo: The session has no such step.
            ModelRejected: The model's provider is unknown.
        """
        row = await self._state.load_session(ask.session)
        if row is None:
            raise SessionNotFound(ask.session)
        found = await position.find(self._state.log, ask.session, ask.turn, ask.step)
        place = found.place
        spec = await self._changed(ask, row, place.seq)
        body = spec.model_dump_json()
        digest = hashlib.sha256(body.encode()).hexdigest()[:24]
        await self._state.save_spec(digest, body)
        details = {"of": ask.session, "turn": str(place.turn), "step": str(ask.step), "model": ask.model}
        record = operated("forked", tenant=row.tenant, session=ask.session, subject=ask.fork, details=details)
        await self._state.append_audit(record)
        trusted = frozenset(tool.name for tool in spec.tools if tool.trusted)
        fork = Fork(
            source=ForkSource(session=ask.session, turn=place.turn, seq=place.seq, reads=ask.reads),
            step=ask.step,
            digest=fenced_digest(digest),
            request=place.request,
            start=place.start,
            summary=found.summary,
            called=dict(found.called),
            called_in_turn=dict(found.called_in_turn),
            untrusted=found.untrusted(trusted),
        )
        known = await _started_with(ask.session)
        given = known.model_dump(include={"max_steps"}) if known else {}
        prepared = PreparedFork(
            fork=fork,
            agent=spec.name,
            tenant=row.tenant,
            user=row.user,
            budget=known.budget if known else None,
            permissions=known.permissions if known else None,
            **given,
        )
        grant = self._identity.forked(ask.fork, start_of(prepared))
        return prepared.model_copy(update={"fork": fork.model_copy(update={"grant": grant})})

    async def _changed(self, ask: PrepareFork, row: SessionRow, seq: int) -> AgentSpec:
        manifest = next(iter(await self._state.manifests.list(ask.session, seq=seq)), None)
        digest = manifest.spec if manifest and manifest.spec else row.digest
        spec = (await self._agents.get(digest)).spec
        if ask.current:
            now = self._registry.agents.get(spec.name)
            if now is None:
                raise UnknownAgent(f"the workers do not serve {spec.name!r}; leave current out")
            spec = now
        if spec.team is not None:
            raise BadInput(f"{ask.session} is a team's session; fork a session of one of its agents")
        changes: dict[str, Any] = {
            "routing": None,
            "fallbacks": tuple(each for each in spec.fallbacks if each.kind != "ask_human"),
        }
        if spec.budget is not None and spec.budget.when_spent == "ask":
            changes["budget"] = spec.budget.model_copy(update={"when_spent": "stop"})
        if ask.model:
            self._models.get(ask.model)
            changes["models"] = (ask.model,)
        if ask.instructions is not None:
            changes |= {"instructions": ask.instructions, "dynamic_instructions": False}
        return spec.model_copy(update=changes)


async def _started_with(session: str) -> StartInput | None:
    """The start of a session's last run; None if the server has no history of it."""
    client = activity.client()
    try:
        async for event in client.get_workflow_handle(session).fetch_history_events(page_size=1):
            given = event.workflow_execution_started_event_attributes.input.payloads
            [start] = await client.data_converter.decode(given, [StartInput])
            return StartInput.model_validate(start)
    except (RPCError, ValueError):
        return None
    return None


async def check(state: State, principal: Principal | None, load: LoadInput, fork: Fork) -> None:
    """Check that a principal may fork the session, and that the fork belongs to the same tenant and user.

    Raises:
        SessionNotFound: There is no such session, or the principal may not see it.
        NotPermitted: The principal may not fork it, or the owners differ.
    """
    of = fork.source.session
    row = await state.load_session(of)
    if row is None:
        raise SessionNotFound(of)
    if principal is not None:
        access.check_session(principal, "fork", of, (row.tenant, row.user))
    if (load.tenant, load.user) != (row.tenant, row.user):
        raise NotPermitted(f"a fork has the tenant and the user of {of}")


async def begin(state: State, load: LoadInput, fork: Fork, spec: AgentSpec) -> Mapping[str, Any]:
    """Copy the log before the step, and return where the fork continues if it was reset to its beginning."""
    source, page = fork.source, list[Entry]()
    async for entry in entries(state.log, source.session, 0, source.seq):
        page.append(entry)
        if len(page) == _PAGE:
            await state.log.settle(load.session, page)
            page = []
    if page:
        await state.log.settle(load.session, page)
    await copy_instructions(state, spec, source.session, load.session, source.turn)
    if not load.first_run or load.first_run == activity.info().workflow_run_id:
        # Retention and erasure remove a log as a whole, so the copy is complete if its turn is still there.
        if fork.start and not await state.log.read(source.session, fork.start, fork.start + 1):
            raise ContentRemoved(f"the log of {source.session}, before it was copied")
        return {}
    now = await set_aside(state, AsideInput(session=load.session, seq=source.seq, turn=source.turn))
    return {
        "seq": now.seq,
        "used": now.turns,
        "abandoned": ((source.seq, now.seq),),
        "resets": now.logs,
    }
