"""``a2a serve``: the agents as A2A agents."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from holdfast_workflows.contracts import exits

from ..common.execution import command, connected, fail
from ..common.options import Tenant, User
from ..common.serving import AsCaller, ServedAgents, address, callers, check_access, read_token

if TYPE_CHECKING:
    from holdfast_workflows.contracts.control.inbox import ItemKind

a2a = typer.Typer(no_args_is_help=True, help="Serve agents by the Agent2Agent protocol.")


_Http = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")]
_Url = Annotated[
    str, typer.Option(help="The URL by which clients reach the server, for the cards.", show_default=False)
]
_Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answers",
        metavar="KIND",
        help="Let clients answer items of the inbox of this kind, too; repeatable. With --as-caller, their roles decide.",
    ),
]
_TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The bearer token that clients must send.  [env var: HOLDFAST_A2A_TOKEN]",
        show_default=False,
    ),
]


@a2a.command()
@command
async def serve(
    context: typer.Context,
    http: _Http = "127.0.0.1:8766",
    url: _Url = "",
    agent: ServedAgents = None,
    tenant: Tenant = "",
    user: User = "",
    as_caller: AsCaller = False,
    token_file: _TokenFile = None,
    answers: _Answers = None,
) -> None:
    """Serve the agents as A2A agents: a session for each context, a turn for each task.

    Each agent is at its own path, `/NAME`, with its card at
    `/NAME/.well-known/agent-card.json`; with one `--agent`, it is at `/`. Tasks go on when
    the server stops.
    """
    host, port = address(http)
    token = read_token(token_file, "HOLDFAST_A2A_TOKEN")
    check_access(host, token, as_caller=as_caller)
    kinds = _kinds(answers or [])
    if find_spec("a2a") is None:
        fail('a2a serve needs `pip install "holdfast[a2a]"`', exits.FAILED)
    from holdfast_client.a2a_server import app  # half a second, so only here

    base = url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    client = await callers(context) if as_caller else await connected(context)
    served = app.Served(client, base, tuple(agent or ()), tenant, user, kinds, bool(token) or as_caller)
    sys.stderr.write(f"holdfast: A2A at {base}\n")
    await app.serve(served, host, port, token)


def _kinds(given: list[str]) -> frozenset[ItemKind]:
    from holdfast_workflows.contracts.control.inbox import ItemKind  # it imports Temporal

    known = get_args(ItemKind)
    for each in given:
        if each not in known:
            raise typer.BadParameter(f"--answers {each!r}; use one of {', '.join(known)}")
    return frozenset(kind for kind in known if kind in {"elicitation", "consent", *given})
