"""The command ``api-keys``: it writes the file of hashes that workers read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from .error_lines import one_line_errors, worker_installed

File = Annotated[
    Path,
    typer.Option(
        "--file",
        metavar="PATH",
        envvar="HOLDFAST_IDENTITY_API_KEYS",
        help="The file with the hashes of keys.",
        show_default=False,
    ),
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id.", show_default=False)]
Kind = Literal["user", "service", "operator"]

_UNITS = {"h": 3_600.0, "d": 86_400.0}

keys = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")


@keys.command()
def create(
    id: KeyId,
    file: File,
    role: Annotated[
        list[str],
        typer.Option(
            metavar="ROLE",
            help="user, approver, operator or auditor; repeat it for several.",
            show_default=False,
        ),
    ],
    kind: Annotated[Kind, typer.Option(help="Whose key it is.")] = "user",
    principal: Annotated[
        str, typer.Option(metavar="ID", help="The principal's id; the key's by default.")
    ] = "",
    tenant: Annotated[str, typer.Option(help="The only tenant that it may act for.")] = "",
    all_tenants: Annotated[bool, typer.Option("--all-tenants", help="It may act for every tenant.")] = False,
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="When it ends: 12h or 90d from now; never by default.")
    ] = "",
) -> None:
    """Create a key and print it once; the file has only its hash."""
    with worker_installed():
        from holdfast_activities.identity import api_keys
        from holdfast_workflows.contracts.control.identity import Principal, Role

    roles = [known for known in get_args(Role) if known in role]
    if unknown := set(role).difference(roles):
        raise typer.BadParameter(f"{min(unknown)!r} is not a role; use {', '.join(get_args(Role))}")
    if bool(tenant) == all_tenants:
        raise typer.BadParameter("give either --tenant NAME or --all-tenants")
    now = time.time()
    with one_line_errors():
        acting = Principal(id=principal or id, kind=kind, roles=tuple(roles), tenant=tenant)
        end = now + _seconds(expires) if expires else 0.0
        text = api_keys.create(file, id, acting, now=now, expires=end)
    typer.echo(text)
    typer.echo(
        "This is the only time that the key is shown. Clients use it as HOLDFAST_CREDENTIAL.", err=True
    )


@keys.command("list")
def list_(file: File) -> None:
    """List the keys with their principals."""
    with worker_installed():
        from holdfast_activities.identity import api_keys

    with one_line_errors():
        found = api_keys.load(file)
    for key in found:
        who = key.principal
        tenant = who.tenant or "all tenants"
        end = f"until {datetime.fromtimestamp(key.expires, UTC):%Y-%m-%d %H:%M} UTC" if key.expires else ""
        roles = ", ".join(who.roles)
        typer.echo("  ".join(filter(None, (key.id, f"{who.kind} {who.id}", tenant, roles, end))))


@keys.command()
def revoke(id: KeyId, file: File) -> None:
    """Revoke a key: workers refuse it within two seconds."""
    with worker_installed():
        from holdfast_activities.identity import api_keys

    with one_line_errors():
        api_keys.revoke(file, id)
    typer.echo(f"{id} is revoked.")


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise typer.BadParameter(f"{text!r} is not a time; give a whole number with h or d, like 90d")
    return float(number) * _UNITS[unit]
