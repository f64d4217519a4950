"""The App's lifespan: what its tools share while a worker runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import HoldfastError, LifespanFailed

from .loading import where


@asynccontextmanager
async def with_dependencies(registry: Registry) -> AsyncGenerator[Registry]:
    """Enter the app's lifespan and yield the registry with its value.

    Raises:
        LifespanFailed: It raised an error at the start or at the end; the detail names the line.
    """
    if registry.lifespan is None:
        yield registry
        return
    try:
        context = registry.lifespan()
        value = await context.__aenter__()
    except Exception as error:
        raise _failed(error, "at the start") from error
    try:
        yield replace(registry, deps=value)
    finally:
        try:
            # What ends the worker is not an error of the lifespan, so it does not receive it.
            await context.__aexit__(None, None, None)
        except Exception as error:
            raise _failed(error, "at the end") from error


def _failed(error: Exception, when: str) -> LifespanFailed:
    text = str(error) if isinstance(error, HoldfastError) else f"{type(error).__name__}: {error}"
    return LifespanFailed(f"{when}: {where(error, str(Path.cwd()))}{text}")
