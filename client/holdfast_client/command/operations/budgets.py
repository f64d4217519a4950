"""What sessions and tenants may use: ``budget`` shows and raises a session's, ``budgets`` lists accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..common import execution, printing
from ..common.options import Json, SessionId

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.agent.budget import BudgetAccount
    from holdfast_workflows.contracts.session.session import SessionView


def budget(
    context: typer.Context,
    session: SessionId,
    tokens: Annotated[int, typer.Option("--add-tokens", min=0, help="So many more tokens.")] = 0,
    dollars: Annotated[float, typer.Option("--add-dollars", min=0, help="So many more US dollars.")] = 0.0,
    steps: Annotated[int, typer.Option("--add-steps", min=0, help="So many more model calls.")] = 0,
    tool_calls: Annotated[int, typer.Option("--add-tool-calls", min=0, help="So many more tool calls.")] = 0,
    seconds: Annotated[float, typer.Option("--add-seconds", min=0, help="So many seconds more.")] = 0.0,
    json: Json = False,
) -> None:
    """Show what a session may use and has used, or raise its limits.

    With --json: {"session", "budget", "spending", "usage", "account"}; "budget" holds the
    limits, "account" what model calls were charged to, with what is held for the next.
    """
    more = {
        "tokens": tokens, "dollars": dollars, "steps": steps, "tool_calls": tool_calls, "seconds": seconds
    }  # fmt: skip

    async def work(client: Client) -> None:
        found = client.session(session)
        if any(more.values()):
            view = await found.raise_budget(
                tokens=tokens, dollars=dollars, steps=steps, tool_calls=tool_calls, seconds=seconds
            )
        else:
            view = await found.view()
        account = await _account(client, session)
        if json:
            value = {"session": session, "budget": view.budget, "spending": view.spending}
            printing.document({**value, "usage": view.usage, "account": account})
        else:
            _show(view, account)

    execution.run(context, work, json=json)


def budgets(
    context: typer.Context,
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="[PREFIX]", help="Only accounts that begin so: run:, tenant:acme:.", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
) -> None:
    """List what was charged to sessions and to tenants' days.

    With --json: one line each, {"account", "tokens", "dollars", "held_tokens",
    "held_dollars", "tokens_limit", "dollars_limit"}.
    """

    async def work(client: Client) -> None:
        found = await client.budgets(prefix=prefix, limit=limit)
        for account in found if json else ():
            printing.document(account)
        if not json:
            printing.out().print(_table(found) if found else "Nothing was charged to such accounts.")

    execution.run(context, work, json=json)


def used(view: SessionView) -> list[tuple[str, float, float]]:
    """What a session has used of each limit that it has, and the limit."""
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
    """The same in a line; empty without limits."""
    return ", ".join(f"{figure(spent)} of {figure(limit)} {name}" for name, spent, limit in used(view))


def figure(value: float | None) -> str:
    """A number as people write it; empty for none."""
    return "" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")


async def _account(client: Client, session: str) -> BudgetAccount | None:
    from holdfast_workflows.contracts.names import run_account

    name = run_account(session)
    return next((each for each in await client.budgets(prefix=name) if each.account == name), None)


def _show(view: SessionView, account: BudgetAccount | None) -> None:
    console = printing.out()
    if view.budget is None:
        console.print(f"{view.session} has no budget of its own; {printing.money(view.usage)}", markup=False)
        return
    held = {"tokens": account.held_tokens, "dollars": account.held_dollars} if account else {}
    table = _columns("", "used", "held", "limit")
    for name, spent, limit in used(view):
        table.add_row(name, figure(spent), figure(held.get(name)), figure(limit))
    then = view.budget.when_spent + (f" with {view.budget.cheaper}" if view.budget.cheaper else "")
    console.print(f"{view.session}: {view.status}; when it is used up: {then}", markup=False)
    console.print(table)


def _table(found: tuple[BudgetAccount, ...]) -> Table:
    table = _columns("account", "tokens", "held", "limit", "dollars", "held", "limit")
    for each in found:
        tokens = (each.tokens, each.held_tokens, each.tokens_limit)
        dollars = (each.dollars, each.held_dollars, each.dollars_limit)
        table.add_row(printing.plain_cell(each.account), *(figure(value) for value in (*tokens, *dollars)))
    return table


def _columns(first: str, *figures: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for column in figures:
        table.add_column(column, justify="right")
    return table
