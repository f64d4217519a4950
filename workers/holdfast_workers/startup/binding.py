"""Checks that this worker may serve its task queue: the same app, on the same state database.

The first worker binds the queue; every later worker must match. A worker with another database would restart
the queue's sessions with an empty log and effect ledger. A worker with another app would receive calls of agents
that it does not have.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Collection
from typing import Final

from temporalio.client import Client

from holdfast_activities.state import State, is_empty, open_state
from holdfast_activities.state.setup.identity import Identity
from holdfast_activities.state.setup.location import locate
from holdfast_temporal import binding, connect
from holdfast_workers import services
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR
from holdfast_workflows.contracts.errors import (
    AppMismatch,
    BadInput,
    DatabaseMismatch,
    HoldfastError,
    ServiceError,
    StateReplaced,
    TemporalUnreachable,
)
from holdfast_workflows.contracts.operations.binding import Binding

_CHECK_INTERVAL: Final = 2.0  # seconds between checks of the database
_CHECKS_PER_READ: Final = 5

_log = logging.getLogger(__name__)


def make(registry: Registry, module: str, database: Identity) -> Binding:
    """Build the binding of this worker."""
    return Binding(
        app=registry.name,
        agents=tuple(sorted(registry.agents)),
        module=module,
        database=database.id,
        place=database.place,
    )


async def expect_tables(client: Client, task_queue: str, url: str) -> None:
    """Check that the database of a bound queue exists, before a new one is created in its place.

    Raises:
        DatabaseMismatch: The database is empty, or its file does not exist.
        StateUnavailable: The database did not answer.
        TemporalUnreachable: The server did not answer.
    """
    if not await is_empty(url):
        return
    try:
        bound = await binding.read(client, task_queue)
    except TemporalUnreachable:
        raise
    except ServiceError:
        return  # ``ensure`` logs a warning
    if bound is not None:
        raise DatabaseMismatch(
            f"task queue {task_queue}: its database is {bound.database} at {bound.place}; "
            f"{locate(url).place} is empty or missing"
        )


async def ensure(client: Client, task_queue: str, own: Binding) -> bool:
    """Bind the queue, or check its binding against this app and database; False if the server refuses both.

    Raises:
        AppMismatch: It belongs to another app.
        DatabaseMismatch: Its sessions live in another state database.
        TemporalUnreachable: The server did not answer.
    """
    try:
        bound = await binding.bind(client, task_queue, own)
        check(task_queue, bound, own)
        if update := _with_new_agents(bound, own):
            await binding.rebind(client, task_queue, update)
        return True
    except TemporalUnreachable:
        raise
    except ServiceError as error:
        _log.warning(
            "the server does not let this worker bind its task queue, so a worker with another app or "
            "database would not be noticed: %s",
            error,
        )
        return False


async def ensure_all(client: Client, task_queue: str, own: Binding, services: Collection[str]) -> bool:
    """Bind the App's queue like ``ensure``, and those of its services, which no other app may then serve."""
    ensured = await ensure(client, task_queue, own)
    for service in services:
        of_service = own.model_copy(update={"base": task_queue})
        ensured &= await ensure(client, names.service_queue(task_queue, service), of_service)
    return ensured


async def changed(client: Client, task_queue: str, own: Binding, state: State) -> HoldfastError:
    """Wait until this worker must stop serving its queue, and return the reason.

    The database is checked more often than the binding, which changes only by an operator's command.
    """
    checks = 0
    while True:
        await asyncio.sleep(_CHECK_INTERVAL)
        checks += 1
        try:
            await state.verify()
            if checks % _CHECKS_PER_READ == 0 and (bound := await binding.read(client, task_queue)):
                check(task_queue, bound, own)
        except (StateReplaced, BadInput) as error:
            return error
        except HoldfastError:
            continue  # unreachable: check again


async def move(settings: Settings, registry: Registry, module: str) -> tuple[Binding | None, Binding]:
    """Bind an app's queue to the database of the settings; return the old binding and the new one.

    Raises:
        StateUnavailable: The database did not answer.
        StateNotMigrated: It has no tables.
        ServiceError: Temporal did not answer or refused.
    """
    client = await connect(settings=settings.connection(), folder=settings.home)
    state = await open_state(settings.state(), migrate=False, keys=settings.signing_keys())
    try:
        before = await binding.read(client, settings.task_queue)
        now = make(registry, module, state.identity)
        await state.append_audit(_rebound(settings.task_queue, before, now))
        await binding.rebind(client, settings.task_queue, now)
        for service in services.declared(registry):
            of_service = now.model_copy(update={"base": settings.task_queue})
            await binding.rebind(client, names.service_queue(settings.task_queue, service), of_service)
    finally:
        await state.close()
    return before, now


def _rebound(task_queue: str, before: Binding | None, now: Binding) -> AuditRecord:
    details = {"app": now.title, "database": now.database}
    if before is not None:
        details |= {"app_before": before.title, "database_before": before.database}
    return AuditRecord(
        id=f"rebound:{uuid.uuid4().hex}",
        kind="operator",
        action="rebound",
        principal=LOCAL_OPERATOR.id,
        subject=task_queue,
        details=details,
        at=time.time(),
    )


def check(task_queue: str, bound: Binding, own: Binding) -> None:
    """Check that a queue is bound to this app and this database.

    Raises:
        AppMismatch: It belongs to another app.
        DatabaseMismatch: Its sessions live in another state database.
    """
    if bound.base != own.base:
        raise AppMismatch(
            f"task queue {task_queue} is {_kind(bound)} {bound.title}, and {_kind(own)} {own.title}; "
            "rename the App or the service"
        )
    if not _same_app(bound, own):
        raise AppMismatch(
            f"task queue {task_queue} belongs to {bound.title} with agents {_names(bound)}; "
            f"this is {own.title} with agents {_names(own)}"
        )
    if bound.database != own.database:
        raise DatabaseMismatch(
            f"task queue {task_queue}: its database is {bound.database} at {bound.place}; "
            f"this worker has {own.database} at {own.place}"
        )


def _kind(of: Binding) -> str:
    return f"a service queue of {of.base}," if of.base else "the queue of"


def _same_app(bound: Binding, own: Binding) -> bool:
    if bound.app and own.app:
        return bound.app == own.app
    if not bound.agents or not own.agents:
        return bound.module == own.module
    local = own.place.startswith(("sqlite:", "file:")) and bound.database == own.database
    if local and (bound.app, bound.module) == (own.app, own.module):
        return True  # on one machine, one module is one app: its agents were renamed
    # Without two names to compare, agents decide: a deploy keeps at least one, another app shares none.
    return not set(bound.agents).isdisjoint(own.agents)


def _with_new_agents(bound: Binding, own: Binding) -> Binding | None:
    """The binding with the agents that a deploy added; None if it added none."""
    agents = tuple(sorted({*bound.agents, *own.agents}))
    changed = bound.model_copy(update={"agents": agents, "app": bound.app or own.app})
    return None if changed == bound else changed


def _names(of: Binding) -> str:
    return ", ".join(of.agents) or "none"
