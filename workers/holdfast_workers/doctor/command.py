"""The command ``doctor``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from holdfast_workers.command import apply_global_options
from holdfast_workers.error_lines import one_line_errors, worker_installed
from holdfast_workflows.contracts.exits import FAILED

if TYPE_CHECKING:
    from holdfast_workers.settings import Settings
    from holdfast_workflows.contracts.agent.app import Registry

    from .examination import Check
    from .examined import Options
    from .findings import Report, Result

_MARKS: Final = {"ok": "ok", "warning": "warning", "failed": "FAILED", "skipped": "skipped"}
_COLORS: Final = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}


def doctor(
    context: typer.Context,
    app: Annotated[
        str, typer.Argument(metavar="MODULE:APP", help="The App of the deployment.", show_default=False)
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CHECK", help="Run only this check, and what it needs."),
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="CHECK", help="Also run this check: kill, a drill.")
    ] = None,
    call_models: Annotated[
        bool, typer.Option("--call-models", help="Call each model once, for a few tokens.")
    ] = False,
    replay: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Recent sessions to replay.")] = 10,
    worker: Annotated[
        list[str] | None,
        typer.Option("--worker", metavar="URL", help="The address of a worker's /health and /metrics."),
    ] = None,
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The address of Prometheus.")] = "",
    floor: Annotated[float, typer.Option(min=0, help="Tasks in a second that one worker must run.")] = 5.0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 also for warnings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Prove that a deployment is fit.

    It checks the real parts, and exits with 1 if a check fails.

    Run it where the workers run, with their settings. It writes only what it removes again: a scratch breaker,
    a memory, and sessions on a queue of its own.
    """
    apply_global_options(context)
    with worker_installed():
        from .examined import Options

    options = Options(call_models, replay, tuple(worker or ()), prometheus, floor)
    with one_line_errors(json=as_json):
        report = _report(app, options, _chosen(only or [], also or []), show=not as_json)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _conclude(report)
    if not report.fit(strict=strict):
        raise typer.Exit(FAILED)


def _chosen(only: Sequence[str], also: Sequence[str]) -> list[Check]:
    from holdfast_workflows.contracts.text.nearest import no_such

    from .checks.all import CHECKS
    from .examination import chosen

    known = [check.name for check in CHECKS]
    if unknown := [name for name in (*only, *also) if name not in known]:
        raise typer.BadParameter(no_such("check", unknown, known))
    return chosen(CHECKS, only, also)


def _report(app: str, options: Options, checks: Sequence[Check], *, show: bool) -> Report:
    from holdfast_temporal import sdk_logs
    from holdfast_workers.settings import Settings
    from holdfast_workers.startup.loading import load_app

    # The findings say what matters of the failures that the checks provoke.
    logging.getLogger().addHandler(logging.NullHandler())
    sdk_logs.silence()
    registry = load_app(app).registry()
    settings = Settings.load().for_app(registry.name)
    return asyncio.run(_examined(registry, settings, app, options, checks, show=show))


async def _examined(
    registry: Registry,
    settings: Settings,
    module: str,
    options: Options,
    checks: Sequence[Check],
    *,
    show: bool,
) -> Report:
    from holdfast_activities.scratch import scratch_folder

    from .examination import examine
    from .examined import Examined
    from .findings import Report

    results: list[Result] = []
    with scratch_folder("doctor") as folder:
        async with Examined(registry, settings, module, folder, options).opened() as examined:
            async for result in examine(examined, checks):
                results.append(result)
                if show:
                    _show(result, first=len(results) == 1 or results[-2].area != result.area)
    return Report(app=registry.name or module, results=tuple(results))


def _show(result: Result, *, first: bool) -> None:
    if first:
        typer.secho(f"\n{result.area}", bold=True)
    mark = typer.style(f"{_MARKS[result.status]:<8}", fg=_COLORS[result.status])
    typer.echo(f"  {mark} {result.check:<12} {result.text}")
    if result.remedy:
        typer.echo(f"  {'':<21} → {result.remedy}")


def _conclude(report: Report) -> None:
    counts = {status: sum(each.status == status for each in report.results) for status in _MARKS}
    listed = ", ".join(f"{number} {_MARKS[status].lower()}" for status, number in counts.items() if number)
    typer.echo(f"\n{report.app}: {listed}")
