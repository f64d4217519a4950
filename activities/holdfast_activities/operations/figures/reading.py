"""All figures of a deployment. Parts that do not answer are left out and reported."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from temporalio.client import Client

from holdfast_activities import clock
from holdfast_activities.memory.memories import Memories
from holdfast_activities.resilience.classify import classify
from holdfast_activities.state.backup.folder import dated, last_drill
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.operations.figures import Figure

from . import costs, inbox, maintenance, queues, sessions

_SECONDS: Final = 10.0
"""For one part; the others do not wait for it longer."""


@dataclass(frozen=True)
class Sources:
    """Where figures are read: of the apps with these task queues, in the order of their names."""

    client: Client
    queues: Sequence[str]
    agents: Sequence[str]
    state: State
    memory: Memories | None = None
    backups: Path | None = None
    """The folder of backups."""


async def read_figures(sources: Sources) -> tuple[list[Figure], dict[str, HoldfastError]]:
    """Return the figures, and the error of each part that could not be read."""
    client, state = sources.client, sources.state
    parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        "sessions": lambda: sessions.read(client, sources.queues, sources.agents),
        "inbox": lambda: inbox.read(client, sources.queues),
        "queues": lambda: queues.read(client, sources.queues),
        "maintenance": lambda: maintenance.read(client, sources.queues),
        "state": lambda: _state(state),
        "costs": lambda: costs.read(state),
    }
    if (folder := sources.backups) is not None:
        parts["backups"] = lambda: asyncio.to_thread(last_backup, state, folder)
    if (memory := sources.memory) is not None:
        parts["memory"] = lambda: _memories(memory)
    found, errors = list[Figure](), dict[str, HoldfastError]()
    read = await asyncio.gather(*(_within(part) for part in parts.values()), return_exceptions=True)
    for name, result in zip(parts, read, strict=True):
        if isinstance(result, Exception):
            errors[name] = classify(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            found += result
    return found, errors


async def _within(read: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    async with asyncio.timeout(_SECONDS):
        return await read()


async def _state(state: State) -> list[Figure]:
    used = await state.figures.budgets_used(datetime.fromtimestamp(clock.now(), UTC).date().isoformat())
    return [
        Figure(name="holdfast_unknown_effects", value=await state.figures.unknown_effects()),
        Figure(name="holdfast_outbox_changes", value=await state.figures.outbox_changes()),
        Figure(name="holdfast_state_bytes", value=await state.figures.bytes()),
        *(
            Figure(name="holdfast_budget_used_ratio", value=ratio, labels={"account": account})
            for account, ratio in used.items()
        ),
    ]


def last_backup(state: State, folder: Path) -> list[Figure]:
    """The times of the newest backup of the database in a folder, and of its last good drill; 0 for never."""
    database = state.identity.id
    own = [each.at for each in dated(folder) if each.whole and database.startswith(each.database)]
    return [
        Figure(name="holdfast_backup_success_timestamp_seconds", value=max(own, default=0.0)),
        Figure(name="holdfast_backup_drill_success_timestamp_seconds", value=last_drill(folder, database)),
    ]


async def _memories(memory: Memories) -> list[Figure]:
    stats = await memory.stats()
    return [Figure(name="holdfast_memories", value=stats.turns + stats.episodes + stats.facts)]
