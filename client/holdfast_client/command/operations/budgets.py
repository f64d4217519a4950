"""``budget`` shows and raises a session's budget; ``budgets`` lists accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ..common import printing
from ..common.execution import command, connected
from ..common.options import Json, Limit, SessionId, argument

if TYPE_CHECKING:
    from holdfast_workflows.contracts.agent.budget import BudgetAccount
    from holdfast_workflows.contracts.session.session import SessionView


@command
async def budget(
    context: typer.Context,
    session: SessionId,
    tokens: Annotated[int, typer.Option("--add-tokens", min=0, help="Additional tokens.")] = 0,
    dollars: Annotated[float, typer.Option("--add-dollars", min=0, help="Additional US dollars.")] = 0.0,
    steps: Annotated[int, typer.Option("--add-steps", min=0, help="Additional model calls.")] = 0,
    tool_calls: Annotated[int, typer.Option("--add-tool-calls", min=0, help="Additional tool calls.")] = 0,
    seconds: Annotated[float, typer.Option("--add-seconds", min=0, help="Additional seconds.")] = 0.0,
    json: Json = False,
) -> None:
    """Show a session's budget and its use, or raise its limits.

    With --json: {"session", "budget", "spending", "usage", "account"}; "budget" has the
    limits, "account" the charges of model calls and the reservations for the next.
    """
    from holdfast_workflows.contracts.names import run_account

    client = await connected(context)
    handle = client.session(session)
    if tokens or dollars or steps or tool_calls or seconds:
        view = await handle.raise_budget(
            tokens=tokens, dollars=dollars, steps=steps, tool_calls=tool_calls, seconds=seconds
        )
    else:
        view = await handle.view()
    name = run_account(session)
    account = next((each for each in await client.budgets(prefix=name) if each.account == name), None)
    if json:
        value = {"session": session, "budget": view.budget, "spending": view.spending}
        printing.document({**value, "usage": view.usage, "account": account})
    else:
        _show(view, account)


@command
async def budgets(
    context: typer.Context,
    prefix: Annotated[str, argument("[PREFIX]", "Only accounts with this prefix: run:, tenant:acme:.")] = "",
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List the charges of sessions and of tenants' days.

    With --json: one line each, {"account", "tokens", "dollars", "held_tokens",
    "held_dollars", "tokens_limit", "dollars_limit"}.
    """
    found = await (await connected(context)).budgets(prefix=prefix, limit=limit)
    printing.listing(found, _list, "There are no such accounts.", json=json)


def used(view: SessionView) -> list[tuple[str, float, float]]:
    """Return name, use and limit for each limit of a session."""
    limits = view.budget
    if limits is None:
        return []
    usage, spending = view.usage, view.spending
    rows = (
        ("tokens", usage.input_tokens + usage.output_tokens, limits.tokens),
        ("dollars", usage.cost, limits.dollars),
        ("steps", spending.steps, limits.steps),
        ("tool calls", spending.tool_calls, limits.tool_calls),
        ("seconds", spending.seconds, limits.seconds),
    )
    return [(name, spent, limit) for name, spent, limit in rows if limit is not None]


def in_words(view: SessionView) -> str:
    """Return a session's limits in one line; empty without limits."""
    return ", ".join(f"{_number(spent)} of {_number(limit)} {name}" for name, spent, limit in used(view))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")


def _show(view: SessionView, account: BudgetAccount | None) -> None:
    console = printing.out()
    if view.budget is None:
        console.print(f"{view.session} has no budget; {printing.money(view.usage)}", markup=False)
        return
    reserved = {"tokens": account.held_tokens, "dollars": account.held_dollars} if account else {}
    columns = ("", "used", "reserved", "limit")
    table = printing.table(*columns, right=columns[1:])
    for name, spent, limit in used(view):
        printing.add_row(table, name, _number(spent), _number(reserved.get(name)), _number(limit))
    cheaper = f" with {view.budget.cheaper}" if view.budget.cheaper else ""
    console.print(
        f"{view.session}: {view.status}; when used up: {view.budget.when_spent}{cheaper}", markup=False
    )
    console.print(table)


def _list(found: Sequence[BudgetAccount]) -> Text:
    return printing.blocks(
        (
            each.account,
            f"{_of(each.tokens, each.tokens_limit)} tokens, {_of(each.dollars, each.dollars_limit)} dollars",
            f"reserved: {_number(each.held_tokens)} tokens, {_number(each.held_dollars)} dollars"
            if each.held_tokens or each.held_dollars
            else "",
        )
        for each in found
    )


def _of(used: float, limit: float | None) -> str:
    return _number(used) if limit is None else f"{_number(used)} of {_number(limit)}"
