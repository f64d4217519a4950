"""Runs a command with a client, and turns errors into exit codes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from holdfast_workflows.contracts.variables import unknown_variables

from . import exits, output, printing
from .options import Options

if TYPE_CHECKING:
    from holdfast_client.client import Client


def run(context: typer.Context, work: Callable[[Client], Awaitable[None]], *, json: bool) -> None:
    """Connect and run a command; print an error as one line on standard error and set the exit code."""
    from holdfast_workflows.contracts.errors import HoldfastError  # it imports Temporal

    for line in unknown_variables(os.environ):
        sys.stderr.write(f"holdfast: warning: {line}\n")
    try:
        asyncio.run(_connected(context.find_object(Options) or Options(), work))
    except HoldfastError as error:
        if json:
            with suppress(output.OutputLost):  # standard error has it too
                printing.document({"error": printing.error(error)})
        fail(printing.sentence(error), exits.code_of(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        fail("interrupted", exits.INTERRUPTED)


def fail(message: str, code: int) -> None:
    """Print one line on standard error and exit with a code."""
    sys.stderr.write(f"holdfast: {' '.join(message.split())}\n")
    raise typer.Exit(code)


async def _connected(options: Options, work: Callable[[Client], Awaitable[None]]) -> None:
    from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

    from holdfast_client.client import connect

    with suppress(RuntimeError):  # this process already has a default runtime
        # Its retry warnings would mix with the output.
        Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="ERROR"))))
    client = await connect(
        options.address or None,
        namespace=options.namespace or None,
        task_queue=options.task_queue or None,
    )
    await work(client.without_waiting())
