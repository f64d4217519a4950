"""``python -m benchmarks``: measure, show, and write ``benchmarks/RESULTS.md``."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .cases import System, Workload, chosen
from .measuring import Results, measure
from .rig import rig
from .targets import check

_RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the longest work")
    parser.add_argument("--rounds", type=int, default=3, help="how often; medians are shown (3)")
    parser.add_argument("--only", default="", help="parts of the names of work, by commas; writes no page")
    options = parser.parse_args()
    # A run that is told to stop takes its processes with it, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    workloads = chosen(quick=options.quick, only=options.only)
    results = asyncio.run(_run(workloads, options.rounds, console))
    console.print(report.tables(results))
    if check(results):
        console.print(report.target_table(results))
    if not options.only:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        _RESULTS.write_text(report.markdown(results, command, options.rounds))
        console.print("written to benchmarks/RESULTS.md")


async def _run(workloads: list[Workload], rounds: int, console: Console) -> Results:
    samples = sum(min(rounds, work.rounds) * len(work.systems) for work in workloads)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("starting", total=samples + 1)

        def tell(work: Workload, system: System, number: int) -> None:
            progress.update(task, advance=1, description=f"round {number + 1}: {work.name}, {system}")

        async with rig() as up:
            return await measure(up, workloads, rounds, tell)


if __name__ == "__main__":
    main()
