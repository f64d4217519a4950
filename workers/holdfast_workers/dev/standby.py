"""A worker process of ``holdfast dev``: it loads the App and its libraries while the server starts."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from importlib import import_module

from holdfast_workers.startup.loading import load_app
from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import HoldfastError

from .loaded import LoadedApp, Prepared, Report


def main(app: str, descriptor: int) -> int:
    """Report to ``descriptor``, wait for variables on standard input (JSON, one line), and serve.

    The end of standard input before them means that the command has ended or needs no worker.
    """
    serving = threading.Event()
    threading.Thread(target=_end_with_the_command, args=(serving,), daemon=True).start()
    try:
        registry = load_app(app).registry()
    except HoldfastError as error:
        _report(descriptor, LoadedApp.failed(error))
        return exits.BAD_INPUT
    _report(descriptor, LoadedApp.of(registry))
    try:
        prepared = _prepare(registry)
    except HoldfastError as error:
        _report(descriptor, Prepared.failed(error))
        return exits.BAD_INPUT
    _report(descriptor, prepared)
    os.close(descriptor)
    threading.Thread(target=_warm_up, args=(registry,), daemon=True).start()
    # Not buffered: the worker watches this stream for its end.
    with os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stream:
        line = stream.readline()
    if not line:
        return exits.OK
    serving.set()
    os.environ.update(json.loads(line))
    from holdfast_workers import process

    return process.main(app, registry)


def _end_with_the_command(serving: threading.Event) -> None:
    """End this process if the command is killed before the worker serves, also during a long import."""
    hang_up = select.poll()
    hang_up.register(sys.stdin.fileno(), 0)
    hang_up.poll()
    if not serving.is_set():
        os._exit(exits.FAILED)


def _prepare(registry: Registry) -> Prepared:
    """Load the worker's libraries, at the same time as the server starts, and check the settings."""
    from sqlalchemy import URL, make_url

    from holdfast_activities.models import Models
    from holdfast_activities.state.setup.location import FileLocation, PostgresLocation, locate_state
    from holdfast_workers.settings import Settings
    from holdfast_workers.startup.checking import unusable_models

    import_module("holdfast_workers.process")
    settings = Settings.load().for_app(registry.name)
    state = locate_state(settings.state())
    default = (
        settings.state() if isinstance(state, PostgresLocation) else f"sqlite:///{settings.home}/memory.db"
    )
    memory = make_url(settings.memory() or default)
    shown = URL.create(memory.drivername, host=memory.host, port=memory.port, database=memory.database)
    unusable = unusable_models(registry, Models(settings.model_providers(), prices=settings.own_prices()))
    return Prepared(
        queue=settings.task_queue,
        state=state.place,
        memory=shown.render_as_string(),
        one_process=isinstance(state, FileLocation),
        unusable=list(dict.fromkeys(reason for reasons in unusable.values() for reason in reasons.values())),
    )


def _warm_up(registry: Registry) -> None:
    """Load what the first turn needs, which would otherwise wait for these imports."""
    from holdfast_workers.settings import Settings

    settings = Settings.load()
    if settings.state().startswith("sqlite") and not (settings.home / "state.db").exists():
        import_module("alembic.command")  # a new database is created at the start
    kinds = {name: config.kind for name, config in settings.model_providers().items()}
    used = {name.partition(":")[0] for agent in registry.agents.values() for name in agent.models}
    for provider in used & kinds.keys():
        import_module(f"holdfast_activities.models.{kinds[provider]}.client")
        import_module("holdfast_activities.models.http.http")
        import_module("genai_prices.data_snapshot").get_snapshot()


def _report(descriptor: int, what: Report) -> None:
    os.write(descriptor, what.model_dump_json().encode() + b"\n")
