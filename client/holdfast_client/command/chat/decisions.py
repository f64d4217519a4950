"""Answers in a chat: approve, reject, confirm, retry, give-up and raise, with or without a slash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ..inbox.answers import login

if TYPE_CHECKING:
    from holdfast_client.session import Session

CHOICES: Final[dict[str, str]] = {
    "approval": "/approve or /reject REASON",
    "effect": "/confirm RESULT (it happened), /retry (do it again) or /give-up (continue without it)",
    "ask_human": "/confirm ANSWER, /retry (ask the model again) or /give-up (leave it unanswered)",
    "handover": "/confirm ANSWER (reply to the user), /give-back NOTE (the agent replies again) or /give-up",
    "consent": "/retry or /give-up",
    "elicitation": "/confirm ANSWER or /give-up",
    "ticket": "/confirm RESULT or /give-up",
    "budget": "/raise tokens 5000 (or dollars, steps, tool-calls, seconds) or /give-up (end the turn)",
}
"""The possible commands for each kind of item."""

_ACTIONS: Final[dict[str, Literal["approve", "reject", "confirm", "retry", "give_up", "give_back"]]] = {
    "/approve": "approve",
    "/reject": "reject",
    "/confirm": "confirm",
    "/retry": "retry",
    "/give-up": "give_up",
    "/give-back": "give_back",
}


WORDS: Final = (*_ACTIONS, "/raise")


def word_of(word: str, *, asked: bool) -> str | None:
    """Return the answer that a line begins with; without a slash only if it is ``asked`` for."""
    named = f"/{word.lower()}" if asked and not word.startswith("/") else word
    return named if named in WORDS else None


async def answer(session: Session, word: str, rest: str) -> None:
    """Answer the oldest item; BadInput if that is impossible."""
    from holdfast_workflows.contracts.errors import NothingToDo

    if word == "/raise":
        await session.raise_budget(**_amount(rest))
        return
    waiting = (await session.view()).inbox
    if not waiting:
        raise NothingToDo("nothing waits for a person")
    action, id = _ACTIONS[word], waiting[0].id
    if action == "approve":
        await session.approve(id, by=login())
    elif action == "reject":
        await session.reject(id, rest, by=login())
    else:
        await session.answer(id, action, text=rest if action == "confirm" else "", by=login())


def _amount(text: str) -> dict[str, Any]:
    """Parse a limit and an amount: ``tokens 5000``."""
    from holdfast_workflows.contracts.agent.budget import RaiseBudget
    from holdfast_workflows.contracts.errors import BadInput

    name, _, amount = text.strip().partition(" ")
    name = name.replace("-", "_")
    if name not in RaiseBudget.model_fields:
        raise BadInput(f"give /raise a limit and an amount; limits are {', '.join(RaiseBudget.model_fields)}")
    number = float if name in {"dollars", "seconds"} else int
    try:
        return {name: number(amount.replace(",", ""))}
    except ValueError as error:
        raise BadInput(f"{amount!r} is not an amount of {name}") from error
