"""Service queues: which queues a worker process serves, and what of the App it needs for them.

A process serves the App's own queue (``""``), services by name, or all of both (``*``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from temporalio.worker import Worker

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.text.nearest import no_such

BASE: Final = ""
"""The App's own queue, whose workers run the workflows."""

ALL: Final = "*"


class QueueWorker(Worker):
    """A worker that stops together with those of other queues in its process."""

    others: Sequence[Worker] = ()

    async def shutdown(self) -> None:
        """Stop taking work from all queues, and wait until the calls have ended."""
        await asyncio.gather(super().shutdown(), *(worker.shutdown() for worker in self.others))


def declared(registry: Registry) -> tuple[str, ...]:
    """The services of an App: those of its agents and of their tools."""
    of_agents = {agent.queue for agent in registry.agents.values()}
    of_tools = {tool.queue for agent in registry.agents.values() for tool in agent.tools}
    return tuple(sorted((of_agents | of_tools) - {BASE}))


def served(registry: Registry, chosen: str) -> tuple[str, ...]:
    """What a process serves, by the setting ``queues``: names with commas, ``*`` for all, or nothing for the base.

    Raises:
        SettingsInvalid: The App has no such service.
    """
    known = declared(registry)
    if chosen == ALL:
        return (BASE, *known)
    wanted = tuple(dict.fromkeys(each.strip() for each in chosen.split(",") if each.strip()))
    if not wanted:
        return (BASE,)
    if unknown := [name for name in wanted if name not in known]:
        raise SettingsInvalid(f"HOLDFAST_QUEUES (--queue): {no_such('service queue', unknown, known)}")
    return wanted


def full_name(task_queue: str, service: str) -> str:
    """The task queue of a service, or of the App."""
    return names.service_queue(task_queue, service) or task_queue


def part(registry: Registry, services: Collection[str]) -> Registry:
    """The part of an App whose models, tools and secrets a process needs for these services."""
    agents = {name: agent for name, agent in registry.agents.items() if agent.queue in services}
    tools = {
        name: {
            each: tool
            for each, tool in own.items()
            if (tool.spec.queue or registry.agents[name].queue) in services
        }
        for name, own in registry.tools.items()
    }
    base = BASE in services  # it lists the tools of all MCP servers
    return replace(
        registry,
        agents=agents,
        tools=tools,
        servers={name: own for name, own in registry.servers.items() if base or name in agents},
        notifications=registry.notifications if base else (),
    )
