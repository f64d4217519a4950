"""``python -m benchmarks``: measure, print the results, and write ``benchmarks/RESULTS.md``."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .cases import System, Worker, Workload, chosen
from .measuring import Idle, Results, measure, measure_idle
from .rig import rig
from .targets import check

_RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the longest workloads")
    parser.add_argument("--rounds", type=int, default=3, help="the results are medians of the rounds (3)")
    parser.add_argument(
        "--only", default="", help="parts of the workloads' names, with commas, and `idle`; writes no page"
    )
    options = parser.parse_args()
    # SIGTERM ends the worker processes too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    workloads = chosen(quick=options.quick, only=options.only)
    idle_rounds = options.rounds if not options.only or "idle" in options.only else 0
    results, idle = asyncio.run(_run(workloads, options.rounds, idle_rounds, console))
    console.print(report.tables(results))
    if idle:
        console.print(report.idle_table(idle))
    if check(results):
        console.print(report.target_table(results))
    if not options.only:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        _RESULTS.write_text(report.markdown(results, idle, command, options.rounds))
        console.print("written to benchmarks/RESULTS.md")


async def _run(
    workloads: list[Workload], rounds: int, idle_rounds: int, console: Console
) -> tuple[Results, dict[Worker, Idle]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("starting")

        def show(work: Workload, system: System, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: {work.name}, {system}")

        def show_idle(worker: Worker, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: idle {worker}")

        async with rig() as up:
            samples = sum(min(rounds, work.rounds) * len(work.systems) for work in workloads)
            progress.update(task, total=samples + idle_rounds * len(up.commands) + 1)
            idle = await measure_idle(up, idle_rounds, show_idle)
            return await measure(up, workloads, rounds, show), idle


if __name__ == "__main__":
    main()
