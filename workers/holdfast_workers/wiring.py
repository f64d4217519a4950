"""A Temporal worker for an App: which workflows and activities, and how many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.client import Client
from temporalio.plugin import SimplePlugin
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker

from holdfast_activities import Activities
from holdfast_activities.clock import ServerTime
from holdfast_activities.identity import Verifier
from holdfast_activities.identity.activities import CheckedActivities
from holdfast_activities.identity.owners import Owners
from holdfast_activities.memory import Memories
from holdfast_activities.resilience import Resilience
from holdfast_activities.session.common.agents import ModelSource
from holdfast_activities.state import State
from holdfast_temporal.identity import OwnGrants, signed_client
from holdfast_workers.startup.elsewhere import served
from holdfast_workflows.checking import CheckedInputs
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.identity import IdentityWorkflow
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.session import AgentWorkflow
from holdfast_workflows.teams.fleet import FleetWorkflow

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
) -> Worker:
    """Build a worker that serves the registry; it does not poll yet.

    ``client`` has Holdfast's data converter. Without ``memory``, memories wait for a worker that has a store.
    With ``verifier`` each request must be of a principal who may make it.
    """
    queue = settings.for_app(registry.name).task_queue
    if verifier is not None:
        client = signed_client(client, OwnGrants(verifier.own_grant))
    activities = Activities(
        registry,
        state,
        models,
        resilience,
        memory=memory,
        served=lambda: served(client, queue),
        verifier=verifier,
        audit_export=settings.audit_place(),
    )
    return Worker(
        client,
        task_queue=queue,
        # Only the user's own workflows run in the sandbox; Holdfast's opt out.
        workflows=[AgentWorkflow, MaintenanceWorkflow, IdentityWorkflow, FleetWorkflow, *registry.workflows],
        activities=[*activities.all(), *registry.activities],
        # For the user's sync activities; threads start on demand.
        activity_executor=ThreadPoolExecutor(settings.max_concurrent_activities, "activity"),
        max_concurrent_activities=settings.max_concurrent_activities,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_cached_workflows=settings.max_cached_workflows,
        workflow_task_poller_behavior=_POLLERS,
        activity_task_poller_behavior=_POLLERS,
        sticky_queue_schedule_to_start_timeout=_STICKY,
        max_heartbeat_throttle_interval=_HEARTBEAT,
        default_heartbeat_throttle_interval=_HEARTBEAT,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_seconds),
        interceptors=[ServerTime(), *_checks(verifier, state), CheckedInputs(verifier)],
        # Background work starts and stops with the worker.
        plugins=[SimplePlugin("holdfast.background", run_context=activities.running)],
    )


def _checks(verifier: Verifier | None, state: State) -> list[Interceptor]:
    return [CheckedActivities(verifier, Owners(state))] if verifier else []
