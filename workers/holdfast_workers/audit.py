"""The commands ``audit verify`` and ``audit key``, which need the state database and no Temporal server.

The command line loads this module for every command, so each command imports what it needs when it runs.
"""

from __future__ import annotations

import asyncio
import json as json_text
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast_workflows.contracts.exits import FAILED
from holdfast_workflows.contracts.text.counting import count

from .error_lines import one_line_errors, worker_installed

if TYPE_CHECKING:
    from holdfast_activities.state.audit.verifying import Finding, Report

    from .settings import Settings

Key = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="REFERENCE", help="env:NAME or file:/path.  [env var: HOLDFAST_SIGNING_KEY]"
    ),
]


def verify_log(
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database.  [env var: HOLDFAST_STATE_URL]")
    ] = None,
    key: Key = None,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Exported heads.  [env var: HOLDFAST_AUDIT_EXPORT]"),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only the chain of this tenant.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify the audit log against its signatures and exported heads.

    Exits with 1 if something was changed. With --json: {"tenants", "records", "heads", "findings",
    "notes"}; a finding is {"tenant", "n", "fault", "detail"}, and "n" the number of the record.
    """
    with worker_installed():
        from .settings import Settings

    with one_line_errors(json=json):
        settings = Settings.load(state_url=url, signing_key=key)
        report = asyncio.run(_verify(settings, heads, tenant))
    if json:
        typer.echo(json_text.dumps(asdict(report), ensure_ascii=False))
    else:
        _print(report)
    raise typer.Exit(FAILED if report.findings else 0)


def signing_key(
    key: Key = None, new: Annotated[bool, typer.Option("--new", help="Print a new private key.")] = False
) -> None:
    """Print the public key that verifies signatures."""
    with worker_installed():
        from holdfast_activities.signing.keys import SigningKeys

        from .settings import Settings

    with one_line_errors():
        keys = SigningKeys.new() if new else Settings.load(signing_key=key).signing_keys()
    typer.echo(keys.text if new else keys.public_text, nl=False)


async def _verify(settings: Settings, folder: Path | None, tenant: str | None) -> Report:
    from holdfast_activities.state import open_state
    from holdfast_activities.state.audit.exporting import read_exports
    from holdfast_activities.state.audit.verifying import verify

    folder, keys = folder or _folder(settings), settings.existing_keys()
    exports = read_exports(folder) if folder else []
    state = await open_state(settings.state(), migrate=False)
    try:
        return await verify(state.audit, keys, exports, database=state.identity.id, tenant=tenant)
    finally:
        await state.close()


def _folder(settings: Settings) -> Path | None:
    """The folder of exported heads; the default one only if there is one."""
    from holdfast_activities.state.audit.exporting import is_address

    place = settings.audit_place()
    if not place or is_address(place):
        return None
    return Path(place) if settings.audit_export or Path(place).exists() else None


def _print(report: Report) -> None:
    for finding in report.findings:
        typer.echo(_line(finding))
    for note in report.notes:
        typer.echo(f"note: {note}")
    found = count(len(report.findings), "fault") if report.findings else "no fault"
    typer.echo(
        f"{count(report.tenants, 'chain')}, {count(report.records, 'record')}, "
        f"{count(report.heads, 'exported head')}: {found}"
    )


def _line(finding: Finding) -> str:
    where = f"tenant {finding.tenant!r}: " if finding.n else ""
    return f"{finding.fault}: {where}{finding.detail}"
