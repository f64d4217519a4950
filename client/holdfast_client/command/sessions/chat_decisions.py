"""Decisions in a chat: /confirm, /retry, /give-up and /raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..operations.effects import login

if TYPE_CHECKING:
    from holdfast_client.session import Session

CHOICES: Final = {
    "effect": "/confirm TEXT: it happened, and this came of it · /retry: do it again · /give-up: go on without it",
    "ask_human": "/confirm TEXT: answer this · /retry: ask the model again · /give-up: leave it unanswered",
    "budget": "/raise tokens 5000, or dollars, steps, tool-calls, seconds · /give-up: end the turn",
}
"""The possible commands for each kind of decision."""


async def answer(session: Session, word: str, rest: str) -> str:
    """Resolve the oldest pending decision; return a confirmation.

    Raises:
        BadInput: The command is invalid, or nothing waits.
    """
    from holdfast_workflows.contracts.errors import NothingToDo

    if word == "/raise":
        await session.raise_budget(**_more(rest))
        return f"raised by {rest}"
    waiting = (await session.view()).pending_decisions
    if not waiting:
        raise NothingToDo("nothing waits for a decision")
    first = waiting[0]
    by = login()
    match word:
        case "/confirm":
            await session.resolve(first.id, "confirm", text=rest, by=by)
        case "/retry":
            await session.resolve(first.id, "retry", by=by)
        case _:
            await session.resolve(first.id, "give_up", by=by)
    return f"{word[1:]}: {first.what}"


def _more(text: str) -> dict[str, Any]:
    """Parse a limit and an amount: ``tokens 5000``."""
    from holdfast_workflows.contracts.agent.budget import RaiseBudget
    from holdfast_workflows.contracts.errors import BadInput

    name, _, amount = text.strip().partition(" ")
    name = name.replace("-", "_")
    if name not in RaiseBudget.model_fields:
        raise BadInput(f"say /raise and one of {', '.join(RaiseBudget.model_fields)}, and by how much")
    number = float if name in {"dollars", "seconds"} else int
    try:
        return {name: number(amount.replace(",", ""))}
    except ValueError as error:
        raise BadInput(f"{amount!r} is not how much {name} can be raised by") from error
