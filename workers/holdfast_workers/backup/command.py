"""The commands ``backup``, ``backup list``, ``backup drill`` and ``restore``; they need no Temporal server.

The command line loads this module for every command, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import json as json_text
import re
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from holdfast_workers.error_lines import one_line_errors, worker_installed
from holdfast_workflows.contracts.exits import FAILED
from holdfast_workflows.contracts.text.counting import count

if TYPE_CHECKING:
    from holdfast_activities.state.backup.archiving import Archiving
    from holdfast_activities.state.backup.drill import DrillReport
    from holdfast_activities.state.backup.writing import Backup
    from holdfast_workers.settings import Settings

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="FOLDER", help="The folder of backups.  [env var: HOLDFAST_BACKUP_FOLDER]"
    ),
]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The database.  [env var: HOLDFAST_STATE_URL]")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Place = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The backup; by default the newest good one.", show_default=False),
]

backup = typer.Typer(invoke_without_command=True, help="Back up the state database, and prove backups.")


@backup.callback()
def make(context: typer.Context, folder: Folder = None, url: Url = None, json: Json = False) -> None:
    """Back up the state database, and prove backups.

    Without a further command: write a backup into the folder while workers run, and delete old ones. With --json:
    {"path", "database", "revision", "at", "rows", "memories", "bytes", "deleted"}.
    """
    if context.invoked_subcommand is not None:
        return
    with worker_installed():
        from .making import make as make_backup

    with one_line_errors(json=json):
        settings, _ = _settings(folder, url)
        made, deleted = asyncio.run(make_backup(settings))
    if json:
        _json(_made(made) | {"deleted": deleted})
    else:
        typer.echo(
            f"{made.path}: {count(made.rows, 'row')}, {_memories(made.memories)}, {count(made.bytes, 'byte')}"
        )


@backup.command("list")
def list_backups(folder: Folder = None, url: Url = None, json: Json = False) -> None:
    """List the backups in the folder, the newest first.

    Also whether PostgreSQL can be restored to any point in time. With --json: {"backups", "archiving"}; a backup is
    {"path", "database", "at", "bytes"}, and "archiving" is null for SQLite.
    """
    with worker_installed():
        from holdfast_activities.state.backup import folder as backups
        from holdfast_activities.state.backup.archiving import archiving

    with one_line_errors(json=json):
        settings, place = _settings(folder, url)
        found = backups.dated(place)
        server = asyncio.run(archiving(settings.state()))
    if json:
        rows = [
            {"path": str(each.path), "database": each.database, "at": each.at, "bytes": each.size}
            for each in found
        ]
        _json(
            {"backups": rows, "archiving": asdict(server) | {"problem": server.problem} if server else None}
        )
        return
    for each in found:
        typer.echo(f"{_when(each.at)}  {each.size:>14,} bytes  {each.path.name}")
    if not found:
        typer.echo(f"{place} has no backups.")
    if server:
        typer.echo(_archiving(server))


@backup.command()
def drill(
    file: Place = None,
    folder: Folder = None,
    max_age: Annotated[
        str, typer.Option(metavar="DURATION", help="Fail if the backup is older: 15m, 2h, 1d.")
    ] = "",
    json: Json = False,
) -> None:
    """Prove a backup by restoring it into a scratch place.

    It is compared there, and everything in it is read.

    The state database is not used. Exits with 1 if the backup, or a newer one in the folder, is damaged. With --json:
    {"path", "database", "at", "tables", "sessions", "entries", "memories", "seconds", "faults", "notes"}.
    """
    with worker_installed():
        from holdfast_activities.memory.backup.restoring import prove as prove_memories
        from holdfast_activities.state.backup.drill import drill as prove

    with one_line_errors(json=json):
        settings, place = _settings(folder, None, file)
        keys, oldest = settings.existing_keys(), _seconds(max_age) if max_age else 0.0
        cipher = settings.cipher()
        memories = partial(prove_memories, cipher=cipher)
        report = asyncio.run(prove(place, cipher=cipher, keys=keys, max_age=oldest, memories=memories))
    if json:
        _json(asdict(report))
    else:
        _print(report)
    raise typer.Exit(FAILED if report.faults else 0)


def restore(
    file: Place = None,
    folder: Folder = None,
    url: Url = None,
    only: Annotated[
        Literal["all", "state", "memories"],
        typer.Option(help="Restore the state database or the memories alone."),
    ] = "all",
    json: Json = False,
) -> None:
    """Restore a backup into an empty database and memory store.

    Without FILE, the newest good backup of the folder. Stop the workers first, and run `holdfast state verify` after
    it. With --json: {"path", "database", "at", "rows", "memories"}.
    """
    with worker_installed():
        from holdfast_activities.state.backup.folder import newest_good
        from holdfast_workers.backup.restoring import restore as fill

    with one_line_errors(json=json):
        settings, place = _settings(folder, url, file)
        path, damaged = newest_good(place, whole=only == "memories")
        for problem in damaged:
            typer.echo(f"skipped: {problem}", err=True)
        restored = asyncio.run(fill(settings, path, only))
    if json:
        _json({"path": str(path)} | asdict(restored))
        return
    typer.echo(
        f"{count(restored.rows, 'row')} and {_memories(restored.memories)} of {_when(restored.at)} "
        f"restored from {path}"
    )
    if only != "memories":
        typer.echo("Now run `holdfast state verify`: sessions may have gone on after the backup.")
        typer.echo("Erase again what was erased after the backup: docs/backup.md.")


def _settings(folder: Path | None, url: str | None, file: Path | None = None) -> tuple[Settings, Path]:
    from holdfast_workers.settings import Settings
    from holdfast_workflows.contracts.errors import SettingsInvalid

    settings = Settings.load(state_url=url, backup_folder=None if folder is None else str(folder))
    if file is not None:
        return settings, file
    if not settings.backup_folder:
        raise SettingsInvalid("HOLDFAST_BACKUP_FOLDER is not set; set it, or give --folder")
    return settings, Path(settings.backup_folder)


def _made(made: Backup) -> dict[str, Any]:
    header = made.header
    return {
        "path": str(made.path),
        "database": header.database,
        "revision": header.revision,
        "at": header.at,
        "rows": made.rows,
        "memories": made.memories,
        "bytes": made.bytes,
    }


def _archiving(server: Archiving) -> str:
    if server.problem:
        return f"point in time: not possible: {server.problem} (docs/backup.md)"
    return f"point in time: possible; archived until {_when(server.archived)}"


def _print(report: DrillReport) -> None:
    for fault in report.faults:
        typer.echo(f"fault: {fault}")
    for note in report.notes:
        typer.echo(f"note: {note}")
    if report.tables:
        rows = sum(report.tables.values()) - report.memories
        typer.echo(
            f"{report.path} of {_when(report.at)}: {count(rows, 'row')}, {count(report.sessions, 'session')}, "
            f"{count(report.entries, 'entry', 'entries')}, {_memories(report.memories)} restored and read "
            f"in {report.seconds:.1f} s"
        )
    typer.echo("The backup is good." if not report.faults else "The backup is NOT proven.")


def _memories(number: int) -> str:
    return count(number, "memory", "memories")


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration; give a number with s, m, h or d, like 15m")
    return float(found[1]) * _UNITS[found[2]]


def _json(value: Any) -> None:
    typer.echo(json_text.dumps(value, ensure_ascii=False))
