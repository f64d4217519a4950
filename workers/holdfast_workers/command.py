"""The commands ``worker``, ``dev`` and ``state``.

The command line loads this module for every command, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Annotated

import typer

from holdfast_workflows.contracts.exits import INTERRUPTED

from .error_lines import one_line_errors, worker_installed

AppName = Annotated[str, typer.Argument(metavar="MODULE:APP", help="The App to serve.", show_default=False)]
TaskQueue = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The App's task queue.  [env var: HOLDFAST_TASK_QUEUE]"),
]
StateUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="The database.  [env var: HOLDFAST_STATE_URL]")
]


def apply_global_options(context: typer.Context) -> None:
    """Apply the connection options before the command, as for all other commands."""
    for option, variable in (
        ("address", "TEMPORAL_ADDRESS"),
        ("namespace", "NAMESPACE"),
        ("task_queue", "TASK_QUEUE"),
    ):
        if value := context.find_root().params.get(option):
            os.environ[f"HOLDFAST_{variable}"] = value


def worker(
    context: typer.Context,
    app: AppName,
    task_queue: TaskQueue = None,
    queue: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Serve only this service queue; several times for several, '*' for all and the App's own.  "
            "[env var: HOLDFAST_QUEUES]",
        ),
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="The port of /health, /ready and /metrics; 0 for a free one.  [env var: HOLDFAST_HEALTH_PORT]",
        ),
    ] = None,
    graceful_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Time for calls to finish after SIGTERM; 30 by default.  [env var: HOLDFAST_GRACEFUL_SECONDS]",
        ),
    ] = None,
) -> None:
    """Serve an App on your own Temporal server.

    The server is that of HOLDFAST_TEMPORAL_ADDRESS, or of --address before the command. The other settings
    (TLS, databases, models, metrics) are environment variables: docs/configuration.md describes them.
    """
    apply_global_options(context)
    gc.disable()  # until all is imported: collections take a fifth of that time
    with worker_installed():
        from . import process

    raise typer.Exit(
        process.main(
            app,
            task_queue=task_queue,
            queues=",".join(queue) if queue else None,
            health_port=health_port,
            graceful_seconds=graceful_seconds,
        )
    )


def dev(
    app: AppName,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", help="Temporal's port; by default 7233, or a free one if that is taken."
        ),
    ] = None,
    ui_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="The UI's port; by default 8233, or a free one if that is taken."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Worker processes.")] = 1,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Run without the UI.")] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load the App again when one of its Python files changes.")
    ] = False,
) -> None:
    """Run an App with a Temporal server and its UI.

    For development: one command starts the server and the workers, and Ctrl-C ends them. Sessions are stored
    in the folder .holdfast, or in HOLDFAST_HOME, and continue at the next start.
    """
    with worker_installed():
        from .dev.run import DevOptions, run

    options = DevOptions(app, port, ui_port, workers, not no_ui, reload)
    with one_line_errors():
        try:
            code = asyncio.run(run(options))
        except asyncio.CancelledError:  # Ctrl-C twice
            code = INTERRUPTED
    raise typer.Exit(code)


def upgrade_state(
    url: StateUrl = None,
) -> None:
    """Create or upgrade the tables.

    Also those of memories, if they are in PostgreSQL.
    """
    with worker_installed():
        from holdfast_activities.memory import upgrade_memories
        from holdfast_activities.state import upgrade

        from .settings import Settings

    with one_line_errors():
        settings = Settings.load(state_url=url)
        asyncio.run(upgrade(settings.state()))
        memories = asyncio.run(
            # With keys the tables are others: pgvector could not compare what is encrypted.
            upgrade_memories(settings.memory(), settings.state(), settings.cipher())
        )
    typer.echo("The state database is up to date.")
    if memories:
        typer.echo("The tables of memories are up to date.")


def bind_queue(
    context: typer.Context,
    app: AppName,
    task_queue: TaskQueue = None,
    url: StateUrl = None,
) -> None:
    """Bind an App's queue to the database.

    This replaces the old binding. Use it after the database was moved or the App was renamed. Workers that do not match end within seconds.
    """
    apply_global_options(context)
    with worker_installed():
        from holdfast_workers.startup import binding
        from holdfast_workers.startup.loading import load_app

        from .settings import Settings

    with one_line_errors():
        registry = load_app(app).registry()
        settings = Settings.load(state_url=url, task_queue=task_queue).for_app(registry.name)
        before, now = asyncio.run(binding.move(settings, registry, app))
    if before is not None:
        typer.echo(f"{settings.task_queue} was bound to {before.summary}")
    typer.echo(f"{settings.task_queue} is bound to {now.summary}")
