"""Summarise what was recovered, from the run's history and the session's log."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table

from holdfast import Client, Reply, ReplyEntry, ResultEntry, Session


@dataclass(frozen=True)
class Kill:
    """The moment the worker was killed."""

    old: int
    new: int
    settled: int
    seconds: float


async def in_flight(client: Client, session: str) -> Counter[str]:
    """Activities that were running on a worker when it was lost, by name."""
    names: dict[int, str] = {}
    lost: Counter[str] = Counter()
    async for event in client.temporal.get_workflow_handle(session).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            names[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        elif event.HasField("activity_task_timed_out_event_attributes"):
            lost[names[event.activity_task_timed_out_event_attributes.scheduled_event_id]] += 1
    return lost


async def show(
    console: Console,
    client: Client,
    session: Session,
    reply: Reply,
    kill: Kill | None,
    requests: int | None,
    report: Path,
) -> None:
    """The answer, the account, and where to look."""
    entries = [entry async for entry in session.log()]
    replies = [entry for entry in entries if isinstance(entry, ReplyEntry)]
    results = [entry for entry in entries if isinstance(entry, ResultEntry)]
    console.print(Panel(Markdown(reply.text), title="answer", border_style="green"))
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("report", str(report))
    table.add_row("work", f"{len(replies)} model calls, {len(results)} tool calls, {reply.seconds:.1f} s")
    table.add_row(
        "tokens",
        f"{reply.usage.input_tokens:,} in, {reply.usage.output_tokens:,} out; cost ${reply.cost:.4f}",
    )
    if kill is not None:
        lost = await in_flight(client, session.id)
        table.add_row("killed", f"worker {kill.old} with SIGKILL after {kill.settled} settled steps")
        table.add_row("recovered", f"worker {kill.new} continued after {kill.seconds:.1f} s")
        what = ", ".join(lost) or "nothing"
        table.add_row("in flight", f"{what}: heartbeat timeout, then scheduled on the new worker")
        if requests is not None:
            table.add_row(
                "model called",
                f"{requests} times for {len(replies)} replies; in flight at the kill: {requests - len(replies)}",
            )
    console.print(table)


def holdfast() -> str:
    """The command as it can be typed in this folder."""
    command = Path(sys.executable).with_name("holdfast")
    return str(command.relative_to(Path.cwd())) if command.is_relative_to(Path.cwd()) else command.name
