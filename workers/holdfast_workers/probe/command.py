"""The command ``probe``.

The command line loads this module for every command, so it imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdfast_workers.command import TaskQueue, apply_global_options
from holdfast_workers.error_lines import one_line_errors, worker_installed


def probe(
    context: typer.Context,
    worker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="A worker to check, http://HOST:PORT; repeatable.  [env var: HOLDFAST_PROBE_WORKERS, with commas]",
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="PORT", help="The port; 0 for a free one.")
    ] = 8001,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="Between two checks.", min=0.1)] = 15.0,
    task_queue: TaskQueue = None,
) -> None:
    """Check a deployment from outside, for Prometheus.

    It checks the workers with the given URLs, Temporal, the state database and the memory store, and reads figures
    of the deployment: sessions, inbox, queues, budgets, maintenance. It needs the environment variables of a worker.
    """
    apply_global_options(context)
    with worker_installed():
        from holdfast_workers.monitoring import logs
        from holdfast_workers.settings import Settings

        from .prober import ProbeOptions, serve

    with one_line_errors():
        settings = Settings.load(task_queue=task_queue, probe_workers=",".join(worker) if worker else None)
        logs.configure(settings)
        workers = tuple(settings.probe_workers.replace(",", " ").split())
        asyncio.run(serve(ProbeOptions(host, port, workers, every, 2 * every), settings))
