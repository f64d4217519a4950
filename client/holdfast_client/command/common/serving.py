"""What the commands that serve other protocols share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Options

if TYPE_CHECKING:
    from holdfast_client.serving.callers import Callers

_LOCAL = ("127.0.0.1", "localhost", "::1")

ServedAgents = Annotated[
    list[str] | None, typer.Option("--agent", metavar="NAME", help="Serve only this agent; repeatable.")
]
AsCaller = Annotated[
    bool,
    typer.Option(
        "--as-caller",
        help="Each HTTP request needs a credential of the deployment as bearer token, and acts as its principal.",
    ),
]


async def callers(context: typer.Context) -> Callers:
    """Connect, to act for each caller with the credential of its requests."""
    import holdfast_temporal
    from holdfast_client.serving.callers import Callers

    options = context.find_object(Options) or Options()
    temporal = await holdfast_temporal.connect(options.address or None, namespace=options.namespace or None)
    return Callers(temporal, options.task_queue or None)


def address(text: str) -> tuple[str, int]:
    """Read the host and port of ``--http``; an empty text is port 0."""
    host, _, port = text.rpartition(":")
    if text and (not host or not port.isdigit()):
        raise typer.BadParameter(f"--http {text!r}; write HOST:PORT, such as 127.0.0.1:8765")
    return host.strip("[]"), int(port or 0)


def read_token(file: Path | None, variable: str) -> str:
    """Return the bearer token of a file, or else of a variable; empty for none."""
    return (file.read_text("utf-8") if file else os.environ.get(variable, "")).strip()


def check_access(host: str, token: str, *, as_caller: bool) -> None:
    """Refuse a server that other machines reach without a token or credentials."""
    if as_caller and token:
        raise typer.BadParameter("--as-caller is without a token")
    if host not in _LOCAL and not token and not as_caller:
        raise typer.BadParameter(
            f"{host} is reached by other machines; require a token with --token-file, or use --as-caller"
        )
