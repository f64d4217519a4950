"""``holdfast eval``: run cases over models and prompts, and fail on a regression."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast_workers.error_lines import worker_installed
from holdfast_workflows.contracts.exits import FAILED, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .evaluation import Evaluation, Variant

_MODELS = typer.Option("--model", metavar="MODEL", help="A model to use; several times to compare them.")
_FILES = typer.Option(
    "--instructions", metavar="FILE", help="Instructions to use; several times to compare them."
)


def run_cases(
    cases: Annotated[
        Path, typer.Argument(metavar="CASES", help="A folder of cases, or one.", show_default=False)
    ],
    app: Annotated[str, typer.Argument(metavar="MODULE:APP", help="The App.", show_default=False)],
    model: Annotated[list[str] | None, _MODELS] = None,
    instructions: Annotated[list[Path] | None, _FILES] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often each case runs.")] = 1,
    judge: Annotated[str, typer.Option(metavar="MODEL", help="The model that judges replies.")] = "",
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Fail if something is worse than these results.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results, as a baseline for later.")
    ] = None,
    cost_rise: Annotated[float, typer.Option(help="The rise of cost that is allowed, as a share.")] = 0.2,
    latency_rise: Annotated[
        float | None, typer.Option(help="The rise of latency that is allowed; by default any.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Trials at the same time.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Run cases over models and prompts, and compare them.

    It reports quality, cost and latency with confidence intervals.

    Exit codes: 0 success, 1 something is worse than the baseline, 2 bad input, 3 a case could not be run.
    With --json: {"variants": […], "trials": […], "regressions": […]}.
    """
    with worker_installed():
        from holdfast_workers.startup.loading import load_app

        from .evaluation import evaluate, load_baseline, load_cases, regressions, report, save_baseline

        before = load_baseline(baseline) if baseline else None
        found: Evaluation = asyncio.run(
            evaluate(
                load_app(app),
                load_cases(cases),
                variants=_variants(model or [], instructions or []),
                repetitions=repeat,
                judge=judge,
                concurrency=concurrency,
            )
        )
        worse = regressions(found, before, cost=cost_rise, seconds=latency_rise) if before else ()
        sys.stdout.write(report.document(found, worse) if json else report.text(found, worse))
        if save:  # last: the report was paid for, also if the file cannot be written
            save_baseline(found, save)
        if found.unmeasured or worse:
            raise SystemExit(FAILED if worse else UNAVAILABLE)


def _variants(models: Sequence[str], files: Sequence[Path]) -> Sequence[Variant]:
    """Each model with each file of instructions."""
    from holdfast_workflows.contracts.errors import BadInput

    from .evaluation import Variant

    prompts: list[tuple[str, str | None]]
    try:
        prompts = [(path.stem, path.read_text("utf-8")) for path in files]
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from error
    return [
        Variant(" · ".join(filter(None, (model, name))) or "app", model, text)
        for model in models or [""]
        for name, text in prompts or [("", None)]
    ]
