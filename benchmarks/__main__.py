"""``python -m benchmarks``: measure, print the results, and write ``benchmarks/RESULTS.md``."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .steps import report
from .steps.cases import System, Worker, Workload, chosen
from .steps.measuring import Idle, Results, measure, measure_idle
from .steps.response_times import ResponseTime, measure_response_times
from .steps.rig import rig
from .steps.targets import check

_RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the longest workloads")
    parser.add_argument("--rounds", type=int, default=3, help="the results are medians of the rounds (3)")
    parser.add_argument(
        "--only",
        default="",
        help="parts of the workloads' names, with commas, `idle` and `response`; writes no page",
    )
    options = parser.parse_args()
    # SIGTERM ends the worker processes too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    workloads = chosen(quick=options.quick, only=options.only)
    idle_rounds = options.rounds if not options.only or "idle" in options.only else 0
    response_rounds = options.rounds if not options.only or "response" in options.only else 0
    results, idle, times = asyncio.run(_run(workloads, options.rounds, idle_rounds, response_rounds, console))
    console.print(report.tables(results))
    if idle:
        console.print(report.idle_table(idle))
    if times:
        console.print(report.response_table(times))
    if check(results):
        console.print(report.target_table(results))
    if not options.only:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        _RESULTS.write_text(report.markdown(results, idle, command, options.rounds, times))
        console.print("written to benchmarks/RESULTS.md")


async def _run(
    workloads: list[Workload], rounds: int, idle_rounds: int, response_rounds: int, console: Console
) -> tuple[Results, dict[Worker, Idle], list[ResponseTime]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("starting")

        def show(work: Workload, system: System, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: {work.name}, {system}")

        def show_idle(worker: Worker, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: idle {worker}")

        def show_response(name: str, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: {name}")

        async with rig() as up:
            samples = sum(min(rounds, work.rounds) * len(work.systems) for work in workloads)
            progress.update(task, total=samples + idle_rounds * len(up.commands) + 2 * response_rounds + 1)
            idle = await measure_idle(up, idle_rounds, show_idle)
            times = (
                await measure_response_times(up, response_rounds, show_response) if response_rounds else []
            )
            return await measure(up, workloads, rounds, show), idle, times


if __name__ == "__main__":
    main()
