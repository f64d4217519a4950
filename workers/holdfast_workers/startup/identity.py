"""The identity provider of a worker: what the settings describe, and the workflow by which clients reach it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from temporalio.client import Client

from holdfast_activities.identity import Verifier
from holdfast_temporal.identity import ensure_exchange
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import HoldfastError

_EVERY: Final = 30.0
"""Seconds between checks that the workflow still runs; every client of Temporal can end it."""

_log = logging.getLogger(__name__)


def make_verifier(settings: Settings) -> Verifier | None:
    """Return the identity provider of the settings; None without one, which is logged.

    Raises:
        SettingsInvalid: The settings do not belong together, or a file cannot be read.
        SecretMissing: An identity key has no value.
    """
    identity = settings.identity()
    identity.check()
    if not identity.on:
        _log.info("no identity provider: every client acts as the local operator, with all roles")
        return None
    return Verifier(identity)


@asynccontextmanager
async def exchanging(verifier: Verifier | None, client: Client, task_queue: str) -> AsyncGenerator[None]:
    """Run the identity provider, and keep its workflow running."""
    if verifier is None:
        yield
        return
    await _ensure(client, task_queue)
    keeping = asyncio.create_task(_keep(client, task_queue))
    try:
        async with verifier.running():
            yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(client: Client, task_queue: str) -> None:
    while True:
        await asyncio.sleep(_EVERY)
        await _ensure(client, task_queue)


async def _ensure(client: Client, task_queue: str) -> None:
    try:
        await ensure_exchange(client, task_queue)
    except HoldfastError as error:
        _log.warning("%s Clients cannot exchange credentials until that is mended.", error)
