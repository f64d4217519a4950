"""The memory stores as a library, for programs that can reach the store themselves."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.errors import WorkerMissing
from holdfast_workflows.contracts.public import public

if TYPE_CHECKING:
    from holdfast_activities.memory.library import Cipher, OpenMemory


@public
@known_options("open_memory")
@asynccontextmanager
async def open_memory(
    url: str = "", *, embeddings: str | None = None, home: str | Path = ""
) -> AsyncGenerator[OpenMemory]:
    """Open the memory store directly; it connects at first use.

    The result has the methods ``add``, ``add_fact``, ``search``, ``list``, ``forget``, ``erase``, ``stats`` and
    ``migrate``.

    Args:
        url: ``postgresql://…``, ``weaviate://host:port`` or ``sqlite:///path``; HOLDFAST_MEMORY_URL by default, else
            HOLDFAST_STATE_URL if that is PostgreSQL, else a file in ``home``.
        embeddings: ``none``, ``minilm:/folder`` or ``provider:model``; HOLDFAST_EMBEDDINGS by default, else the
            folder ``models/all-MiniLM-L6-v2`` of ``home`` if it is there.
        home: The folder of embedded parts; HOLDFAST_HOME by default, else ``.holdfast``.

    Raises:
        SettingsInvalid: A setting is invalid.
        EmbedderBroken: The embedder's key is missing.
        WorkerMissing: The ``worker`` extra is not installed.
    """
    environ = os.environ
    try:
        # Imported lazily: a process that only declares agents may not have the worker's dependencies.
        from holdfast_activities.memory.library import OpenMemory
    except ModuleNotFoundError as error:
        raise WorkerMissing(f"open_memory needs {error.name}") from None
    memory = OpenMemory.at(
        url,
        environ.get("HOLDFAST_EMBEDDINGS", "") if embeddings is None else embeddings,
        Path(home or environ.get("HOLDFAST_HOME", "") or ".holdfast"),
        environ,
        _cipher(),
    )
    try:
        yield memory
    finally:
        await memory.close()


def _cipher() -> Cipher:
    """The cipher of the environment's keys."""
    from holdfast_activities.memory.library import CLEAR, cipher_of

    if not os.environ.get("HOLDFAST_KEYS", "").strip():
        return CLEAR
    from holdfast_client.requests.encryption import keys_and_rule  # it imports Temporal's client

    keys, accept_clear = keys_and_rule()
    return cipher_of(keys, accept_clear=accept_clear)
