"""``observe_deployment``: the figures, workers and prompts of an app, for the monitor."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio import activity
from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities import clock
from holdfast_activities.memory.memories import Memories
from holdfast_activities.operations.figures import Sources, read_figures
from holdfast_activities.resilience.classify import classify
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.operations.monitor import (
    Observation,
    ObservedPrompts,
    ObservedWorker,
    ObserveInput,
)
from holdfast_workflows.contracts.text.unicode import preview

_PROMPTS: Final = 200
"""The newest prompts that are looked at."""

_SECONDS: Final = 10.0
"""For the prompts, as for each part of the figures."""

_MOST: Final = 0.95
"""The share of an agent's prompts that the reported one is the highest of."""

_MISSED: Final = 3.0
"""Heartbeats after which a worker counts as silent."""

_WORKERS: Final = 200


class Observe:
    """Reads what the monitor looks at."""

    def __init__(self, registry: Registry, state: State, memory: Memories | None) -> None:
        self._registry = registry
        self._state = state
        self._memory = memory if any(agent.memory for agent in registry.agents.values()) else None

    @activity.defn(name=names.OBSERVE)
    @reports_failures
    async def observe(self, _: ObserveInput) -> Observation:
        """Observe the app of this worker. Parts that do not answer are left out."""
        client, base = activity.client(), activity.info().task_queue
        queues, agents = _queues(self._registry, base), sorted(self._registry.agents)
        figures, errors = await read_figures(Sources(client, queues, agents, self._state, self._memory))
        prompts = list[ObservedPrompts]()
        try:
            async with asyncio.timeout(_SECONDS):
                prompts = await self._prompts()
        except (HoldfastError, TimeoutError) as error:
            errors["prompts"] = classify(error)
        return Observation(
            at=clock.now(),
            figures=tuple(figures),
            workers=tuple(await _workers(client, queues)),
            prompts=tuple(prompts),
            maintenance_every=await maintenance_every(client, base),
            errors={part: preview(str(error)) for part, error in errors.items()},
        )

    async def _prompts(self) -> list[ObservedPrompts]:
        shares, windows = defaultdict[str, list[float]](list), dict[str, int]()
        for agent, manifest in await self._state.manifests.recent(_PROMPTS):
            if manifest.context_window:
                used = (manifest.reported or manifest.estimated) / manifest.context_window
                shares[agent].append(used)
                windows.setdefault(agent, manifest.context_window)
        return [
            ObservedPrompts(
                agent=agent,
                prompts=len(each),
                share=round(sorted(each)[int(_MOST * (len(each) - 1))], 3),
                context_window=windows[agent],
            )
            for agent, each in sorted(shares.items())
        ]


async def maintenance_every(client: Client, queue: str) -> float:
    """The seconds between runs of maintenance; 0 if it is not scheduled at an interval."""
    try:
        found = await client.get_schedule_handle(names.maintenance_id(queue)).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return 0.0
        raise
    intervals = found.schedule.spec.intervals
    return intervals[0].every.total_seconds() if intervals else 0.0


def _queues(registry: Registry, base: str) -> list[str]:
    """The task queues of the app and of its services."""
    services = {agent.queue for agent in registry.agents.values()}
    services |= {tool.queue for agent in registry.agents.values() for tool in agent.tools}
    return [base, *sorted(names.service_queue(base, each) for each in services if each)]


async def _workers(client: Client, queues: Sequence[str]) -> list[ObservedWorker]:
    """The workers by their heartbeats; none on a server that keeps no heartbeats."""
    found = list[ObservedWorker]()
    now = datetime.now(UTC).timestamp()
    for queue in queues:
        request = ListWorkersRequest(
            namespace=client.namespace, page_size=_WORKERS, query=f'TaskQueue="{queue}"'
        )
        try:
            listed = await client.workflow_service.list_workers(request)
        except RPCError:
            return found
        for each in listed.workers_info:
            beat = each.worker_heartbeat
            if beat.status != WorkerStatus.WORKER_STATUS_RUNNING:
                continue
            late = now - beat.heartbeat_time.seconds
            slots, host = beat.activity_task_slots_info, beat.host_info
            found.append(
                ObservedWorker(
                    identity=beat.worker_identity,
                    queue=queue,
                    memory=round(host.current_host_mem_usage, 3),
                    cpu=round(host.current_host_cpu_usage, 3),
                    processed=slots.last_interval_processed_tasks,
                    failed=slots.last_interval_failure_tasks,
                    silent=late > _MISSED * max(beat.elapsed_since_last_heartbeat.seconds, 10),
                )
            )
    return found
