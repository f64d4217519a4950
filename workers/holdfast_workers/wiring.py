"""A Temporal worker for an App: which workflows and activities, and how many at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.plugin import SimplePlugin
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker

from holdfast_activities import Activities
from holdfast_activities.clock import ServerTime
from holdfast_activities.debugging.keeping import DebugRecords
from holdfast_activities.identity import Verifier
from holdfast_activities.identity.activities import CheckedActivities
from holdfast_activities.identity.owners import Owners
from holdfast_activities.memory import Memories
from holdfast_activities.operations.maintenance.settings import MaintenanceSettings
from holdfast_activities.resilience import Resilience
from holdfast_activities.session.common.agents import ModelSource
from holdfast_activities.state import State
from holdfast_activities.tracing import AtWork, Recorder
from holdfast_temporal.identity import OwnGrants, signed_client
from holdfast_workers.startup.elsewhere import served
from holdfast_workflows.checking import CheckedInputs
from holdfast_workflows.contracts.agent.app import Registry

from . import own_workflows, services
from .backup.making import scheduled
from .services import QueueWorker
from .settings import Settings

# Partial text of a streaming model call is sent by heartbeat; the SDK delays heartbeats by this much.
_HEARTBEAT = timedelta(milliseconds=200)

# Time until another worker takes over a cached session; a killed worker delays its sessions by this much.
_STICKY = timedelta(seconds=2)

_POLLERS = PollerBehaviorAutoscaling(minimum=2, initial=5, maximum=20)


def build_worker(
    client: Client,
    registry: Registry,
    state: State,
    models: ModelSource,
    resilience: Resilience,
    settings: Settings,
    memory: Memories | None = None,
    verifier: Verifier | None = None,
    recorder: Recorder | None = None,
) -> Worker:
    """Build a worker that serves the registry; it does not poll yet.

    ``client`` has Holdfast's data converter. Without ``memory``, memories wait for a worker that has a store.
    With ``verifier`` each request must be of a principal who may make it. ``recorder`` makes spans.
    """
    base = settings.for_app(registry.name).task_queue
    first, *others = services.served(registry, settings.queues)
    if verifier is not None:
        client = signed_client(client, OwnGrants(verifier.own_grant))
    activities = Activities(
        registry,
        state,
        models,
        resilience,
        memory=memory,
        served=lambda: served(client, base, activity.info().task_queue),
        verifier=verifier,
        maintenance=MaintenanceSettings(
            settings.audit_place(),
            settings.log_folder,
            settings.log_days,
            partial(scheduled, settings) if settings.backup_folder else None,
        ),
    )
    checks = [*_checks(verifier, state), CheckedInputs(verifier)]
    common = _common(client, settings, [ServerTime(), *checks, AtWork(recorder, DebugRecords(state).keep)])
    more = [
        Worker(task_queue=services.full_name(base, service), activities=activities.of_services(), **common)
        for service in others
    ]
    worker = QueueWorker(
        task_queue=services.full_name(base, first),
        **_base(registry, activities) if first == services.BASE else {"activities": activities.of_services()},
        # Background work, and the other queues, start and stop with the worker.
        plugins=[SimplePlugin("holdfast.background", run_context=lambda: _together(activities, more))],
        **common,
    )
    worker.others = more
    return worker


def _base(registry: Registry, activities: Activities) -> dict[str, Any]:
    """What only workers of the App's own queue do."""
    return {
        # Only the user's own workflows run in the sandbox; Holdfast's opt out.
        "workflows": [*own_workflows.OWN_WORKFLOWS, *registry.workflows],
        "activities": [*activities.all(), *registry.activities],
    }


def _common(client: Client, settings: Settings, interceptors: Sequence[Interceptor]) -> dict[str, Any]:
    """What the workers of all queues have."""
    return {
        "client": client,
        # For the user's sync activities; threads start on demand.
        "activity_executor": ThreadPoolExecutor(settings.max_concurrent_activities, "activity"),
        "max_concurrent_activities": settings.max_concurrent_activities,
        "max_concurrent_workflow_tasks": settings.max_concurrent_workflow_tasks,
        "max_cached_workflows": settings.max_cached_workflows,
        "workflow_task_poller_behavior": _POLLERS,
        "activity_task_poller_behavior": _POLLERS,
        "sticky_queue_schedule_to_start_timeout": _STICKY,
        "max_heartbeat_throttle_interval": _HEARTBEAT,
        "default_heartbeat_throttle_interval": _HEARTBEAT,
        "graceful_shutdown_timeout": timedelta(seconds=settings.graceful_seconds),
        "interceptors": interceptors,
    }


@asynccontextmanager
async def _together(activities: Activities, others: Sequence[Worker]) -> AsyncGenerator[None]:
    async with activities.running(), AsyncExitStack() as stack:
        for worker in others:
            await stack.enter_async_context(worker)
        yield


def _checks(verifier: Verifier | None, state: State) -> list[Interceptor]:
    return [CheckedActivities(verifier, Owners(state))] if verifier else []
