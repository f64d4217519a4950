"""``whoami``: the principal of the credential."""

from __future__ import annotations

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json


@command
async def whoami(context: typer.Context, json: Json = False) -> None:
    """Show who the credential in HOLDFAST_CREDENTIAL stands for.

    Without a credential, the local operator. With --json: {"id", "kind", "roles", "tenant"}.
    """
    who = await (await connected(context)).whoami()
    tenant = f"tenant {who.tenant}" if who.tenant else "all tenants"
    roles = ", ".join(who.roles) or "no roles"
    printing.result(who, Text(f"{who.kind} {who.id}, {tenant}: {roles}"), json=json)
