"""What ``holdfast dev`` prints: what it serves and where, and the next command to type."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from holdfast_temporal import DevServer
from holdfast_temporal.server import PORT, UI_PORT
from holdfast_workflows.contracts.errors import HoldfastError

from .loaded import LoadedApp, Prepared
from .run import DevOptions

_LABEL: Final = 10  # columns


class Printer:
    """Lines on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str) -> None:
        """The first line."""
        self._print(f"[bold]holdfast dev[/] {escape(text)}")

    def line(self, label: str, text: str, style: str = "none") -> None:
        """A labelled line of the summary."""
        self._print(f"  [dim]{label:<{_LABEL}}[/][{style}]{escape(text)}[/]")

    def note(self, text: str) -> None:
        """A line about something that happened."""
        self._print(f"[yellow]{escape(text)}[/]")

    def error(self, error: HoldfastError) -> None:
        """An error in one line."""
        self._print(f"[red]holdfast: {escape(' '.join(str(error).split()))}[/]")

    def _print(self, marked: str) -> None:
        self._console.print(marked, highlight=False, soft_wrap=True, emoji=False)


def summarize(
    printer: Printer, options: DevOptions, app: LoadedApp, prepared: Prepared, server: DevServer
) -> None:
    """Print the summary."""
    many = f"{options.workers} workers" if options.workers > 1 else "1 worker"
    printer.title(f"{options.app} with {many}{', reloaded when a file changes' if options.reload else ''}")
    width = max((len(agent.name) for agent in app.agents), default=0)
    for number, agent in enumerate(app.agents):
        models = ", ".join(agent.models)
        printer.line("" if number else "agents", f"{agent.name:<{width}}  {models}")
    for reason in prepared.unusable:
        printer.line("", reason, "yellow")
    joined = "  (already running)" if server.joined else ""
    printer.line("Temporal", f"{server.address}, task queue {prepared.queue}{joined}")
    if server.ui:
        printer.line("UI", server.ui, f"link={server.ui}")
    _note_ports(printer, options, server)
    printer.line("state", _short(prepared.state))
    if not (os.environ.get("HOLDFAST_IDENTITY_API_KEYS") or os.environ.get("HOLDFAST_IDENTITY_JWKS")):
        printer.line("identity", "no provider: every client acts as the local operator, with all roles")
    if any(agent.memory for agent in app.agents):
        printer.line("memory", _short(prepared.memory))
    if app.agents:
        printer.line("next", f"holdfast chat {app.agents[0].name}", "bold")
    printer.line("", "Ctrl-C stops everything; sessions are kept.")
    _note_clients(printer, server)


def _note_ports(printer: Printer, options: DevOptions, server: DevServer) -> None:
    """Tell which standard ports another program has."""
    if server.joined:
        if options.port or options.ui_port:
            printer.line("", "The ports are those of the server that already runs in this folder.", "yellow")
        return
    asked = (
        (options.port, PORT, server.address, "--port"),
        (options.ui_port, UI_PORT, server.ui, "--ui-port"),
    )
    for wanted, usual, address, option in asked:
        if address and wanted is None and address.rpartition(":")[2] != str(usual):
            printer.line("", f"Port {usual} is taken by another program; {option} chooses one.", "yellow")


def _note_clients(printer: Printer, server: DevServer) -> None:
    """Tell when commands in this environment would reach another server."""
    address = os.environ.get("HOLDFAST_TEMPORAL_ADDRESS", "").strip()
    if address and address != server.address:
        printer.note(
            f"HOLDFAST_TEMPORAL_ADDRESS is {address}, so commands in this environment reach that server; "
            "unset it to reach this one"
        )


def _short(place: str) -> str:
    """A place with a path relative to the current folder, if it is inside."""
    return place.replace(f"sqlite:///{Path.cwd()}/", "sqlite:///")
