"""``load_agent``: pin an agent's spec for a session."""

import hashlib
from typing import TYPE_CHECKING, Any

from temporalio import activity

from holdfast_activities.evaluation import forking
from holdfast_activities.identity.requests import IdentityRequests
from holdfast_activities.state.database import SessionRow, State
from holdfast_activities.teams.routing.places import Places
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.builtin_tools import own_tools
from holdfast_workflows.contracts.agent.spec import AgentSpec, OutputSpec, PinnedSpec, ToolPolicy, ToolSpec
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import ContentRemoved, UnknownAgent
from holdfast_workflows.contracts.limits import DEFAULT_MAX_WAIT, SEQ_GAP
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.operations.resets import AsideInput
from holdfast_workflows.contracts.permissions import checking, needs
from holdfast_workflows.contracts.permissions.levels import levels_of
from holdfast_workflows.contracts.permissions.rules import Level
from holdfast_workflows.contracts.session.steps import LoadInput, LoadResult
from holdfast_workflows.contracts.teams.delegation import DelegateSettings

from .admin.set_aside import set_aside
from .common.agents import LiveAgents
from .common.failures import reports_failures
from .model_call.reservation import limits_of
from .schedules import values_of

if TYPE_CHECKING:
    from holdfast_activities.tools.mcp.servers import McpServers

_OF_TIME = 0.7
"""The part of an attempt's time in which MCP servers must list their tools."""


class LoadAgent:
    """The activity that every session starts with."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        agents: LiveAgents,
        identity: IdentityRequests,
        places: Places,
        servers: "McpServers | None" = None,
    ) -> None:
        self._identity = identity
        self._places = places
        self._registry = registry
        self._servers = servers
        self._state = state
        self._agents = agents

    @activity.defn(name=names.LOAD_AGENT)
    @reports_failures
    async def load_agent(self, load: LoadInput) -> LoadResult:
        """Store the agent's spec under its digest and return the part that the workflow needs."""
        principal, load = self._identity.started(load)
        if load.fork is not None:
            await forking.check(self._state, principal, load, load.fork)
        owner = ("", "")
        if principal is not None:
            owner = (load.tenant, load.user)
            await self._expect_own(principal, load)
        spec = await self._spec(load)
        body = spec.model_dump_json()
        digest = load.fork.digest if load.fork else hashlib.sha256(body.encode()).hexdigest()[:24]
        pinned = _pin(spec, digest, limits_of(self._registry.tenants, load.tenant), self._levels(spec, load))
        pinned = pinned.model_copy(update=self._of_app(spec.name))
        pinned = pinned.model_copy(update={"routed": load.routed or spec.routing is not None})
        if load.again:
            await self._state.save_spec(digest, body)
            if load.handoff and pinned.routed:
                await self._places.move(load.session, spec.name if spec.routing else "", failed=load.failed)
            self._agents.keep(digest, spec)
            return LoadResult(spec=pinned)
        opened = await self._state.open_session(
            load.session, load.agent, digest, load.tenant, load.user, spec=body
        )
        before = None if opened else await self._state.load_session(load.session)
        if load.fork is not None:
            start = dict(await forking.begin(self._state, load, load.fork, spec))
        else:
            start = await self._start(load, before)
        self._agents.keep(digest, spec)
        version = before.version if before else 0
        values = values_of(load.scheduled, load.scheduled_at)
        who = {"principal": principal, "owner": owner, "values": values}
        return LoadResult(spec=pinned, version=version, appends_audit=True, **who, **start)

    async def _spec(self, load: LoadInput) -> AgentSpec:
        """The spec to pin: the worker's, with what the start adds to it, or that of a fork."""
        if load.fork is not None:
            return (await self._agents.get(load.fork.digest)).spec
        spec = self._registry.agents.get(load.agent)
        if spec is None:
            known = ", ".join(sorted(self._registry.agents)) or "none"
            # During a deploy that adds the agent, a retry may reach a worker that has it already.
            elsewhere = await self._agents.elsewhere(load.agent)
            raise UnknownAgent(f"asked for {load.agent!r}; served: {known}", retryable=elsewhere)
        if load.output is not None:
            spec = spec.model_copy(update={"output": load.output})
        elif load.output_of:
            output = (await self._agents.get(load.output_of)).spec.output
            spec = spec.model_copy(update={"output": output})
        if load.handoff and not spec.tools:
            # Its session has tool calls of other agents: providers then want tools, and the model may read their results.
            spec = spec.model_copy(update={"tools": own_tools(True, None, False, False)})
        if self._servers is not None:
            spec = await self._servers.extended(spec, load, _time_left())
        return spec

    def _of_app(self, agent: str) -> dict[str, bool]:
        """What the workflow needs to know of the app and of the functions of the agent's tools."""
        tools = self._registry.tools.get(agent, {}).values()
        delegates = any(isinstance(getattr(tool, "settings", None), DelegateSettings) for tool in tools)
        return {"notifies": bool(self._registry.notifications), "delegates": delegates}

    async def _expect_own(self, principal: Principal, load: LoadInput) -> None:
        """Check an earlier session of the same id, whose log this one would continue."""
        before = await self._state.load_session(load.session)
        if before is not None:
            access.check_session(principal, "start", load.session, (before.tenant, before.user))

    def _levels(self, spec: AgentSpec, load: LoadInput) -> tuple[Level, ...]:
        if load.permissions is not None:
            # A session's rules also apply to the agents that it delegates to.
            others = self._registry.agents.values() if self._of_app(spec.name)["delegates"] else ()
            tools = {tool.name: tool for each in (*others, spec) for tool in each.tools}
            rules = load.permissions
            if load.handoff:
                # Checked at the session's start. Another agent need not have the tools that they name.
                idle = checking.idle(rules, tools)
                kept = tuple(rule for rule in rules.rules if rule.tool not in idle)
                rules = rules.model_copy(update={"rules": kept})
            checking.check(rules, tools, "the session's permissions")
        if spec.permissions and (
            missing := checking.idle(spec.permissions, (tool.name for tool in spec.tools))
        ):
            activity.logger.warning(
                "agent %s has rules on tools that its servers do not offer: %s", spec.name, ", ".join(missing)
            )
        above = load.parent.levels if load.parent else ()
        return (*above, *levels_of(self._registry, spec, load.tenant, load.permissions))

    async def _start(self, load: LoadInput, before: SessionRow | None) -> dict[str, Any]:
        """The first number of the session: after the entries of an earlier session of the same id, or of a reset."""
        if before is None:
            return {}
        if load.first_run and load.first_run != activity.info().workflow_run_id:
            return await self._begin_again(load)
        await self._state.retention.reopen(load.session)
        # Number after the snapshot of an earlier session and every entry written since.
        since = await self._state.log.read(before.session, before.seq)
        last = since[-1].seq if since else before.seq - 1
        seq = last + SEQ_GAP if last > 0 else 1
        # A reset to the beginning needs to know where this session's part of the log starts.
        await self._state.store_text(load.session, _start_key(load), f"{seq} {before.turns}")
        return {"seq": seq, "turns": before.turns}

    async def _begin_again(self, load: LoadInput) -> dict[str, Any]:
        begun = await self._state.load_text(load.session, _start_key(load)) or "1 0"
        seq, turns = map(int, begun.split())
        now = await set_aside(self._state, AsideInput(session=load.session, seq=seq, turn=turns + 1))
        if now.removed:
            raise ContentRemoved(now.removed)
        return {
            "seq": now.seq,
            "turns": turns,
            "used": now.turns,
            "abandoned": ((seq, now.seq),),
            "resets": now.logs,
        }


def _time_left() -> float:
    """Seconds that other services may take, so that a late answer is an error of its own and no time-out."""
    info = activity.info()
    limits = (info.start_to_close_timeout, info.schedule_to_close_timeout)
    return _OF_TIME * min((limit.total_seconds() for limit in limits if limit), default=10.0)


def _start_key(load: LoadInput) -> str:
    return f"{names.BEGUN_TEXT}{load.first_run}"


def _full_name(queue: str) -> str:
    """The full name of a service queue: this activity runs on the queue of the app."""
    return names.service_queue(activity.info().task_queue, queue)


def _policy(tool: ToolSpec, agent: AgentSpec) -> ToolPolicy:
    place = tool if tool.queue else agent
    queue = {"queue": _full_name(place.queue), "queue_timeout": place.queue_timeout}
    return ToolPolicy.model_validate(dict(tool) | queue)


def _pin(spec: AgentSpec, digest: str, limits: TenantLimits | None, levels: tuple[Level, ...]) -> PinnedSpec:
    """The part of a spec that the workflow needs: the fields that both classes have, and these."""
    max_wait = spec.max_wait
    if max_wait is None:
        # With fallbacks a session does not wait for providers by default: it uses the fallbacks.
        max_wait = 0.0 if spec.fallbacks else DEFAULT_MAX_WAIT
    own = {
        "agent": spec.name,
        "digest": digest,
        "output_repairs": (spec.output or OutputSpec(name="", json_schema={})).repairs,
        "has_inline": any(tool.inline for tool in spec.tools),
        "has_output": spec.output is not None,
        "model": spec.models[0] if spec.models else "",
        "models": len(spec.models),
        "tools": {tool.name: _policy(tool, spec) for tool in spec.tools},
        "queue": _full_name(spec.queue),
        "max_wait": max_wait,
        "levels": levels,
        "scheduled": tuple(
            tool.name
            for tool in spec.tools
            if levels and tool.inline and not needs.is_static(levels, tool.name)
        ),
        "weight": limits.weight if limits else 1.0,
    }
    return PinnedSpec.model_validate(dict(spec) | own)
