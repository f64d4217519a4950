"""Start a fork of a session, and compare it with the session."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from holdfast_client import messages
from holdfast_client.operations.stored import content
from holdfast_client.requests import waiting
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput, NothingToDo
from holdfast_workflows.contracts.evaluation.forks import PreparedFork, PrepareFork, Reads
from holdfast_workflows.contracts.evaluation.outcomes import Comparison, Outcome, outcome_of
from holdfast_workflows.contracts.evaluation.starting import start_of
from holdfast_workflows.contracts.limits import MAX_NAME
from holdfast_workflows.contracts.session.session import SessionView, TurnView

_MARK: Final = "-fork-"


async def start(
    requests: Requests,
    session: str,
    step: int,
    *,
    turn: int | None = None,
    model: str = "",
    instructions: str | None = None,
    current: bool = False,
    reads: Reads = "live",
    id: str | None = None,
) -> tuple[str, int]:
    """Start a fork and return its id and its turn."""
    if id is None:
        mark = f"{_MARK}{uuid4().hex[:8]}"
        id = f"{session[: MAX_NAME - len(mark)]}{mark}"
    with bad_input():
        ask = PrepareFork(
            session=session,
            fork=messages.checked_id(id),
            step=step,
            turn=turn,
            model=model,
            instructions=instructions,
            current=current,
            reads=reads,
        )
    found = await requests.activity(names.PREPARE_FORK, ask, PreparedFork, session=session)
    await requests.start(id, start_of(found))
    return id, found.fork.source.turn


async def compare(requests: Requests, session: str, seconds: float | None) -> Comparison:
    """Wait for the end of a fork's turn, and return what it and the original did from the step on."""
    view = await requests.query(session, "view", waiting.NO_EVENTS, SessionView)
    if view.fork is None:
        raise BadInput(f"{session} is not a fork; start one with `holdfast fork {session}`")
    source = view.fork
    ended = await waiting.turn_within(requests, session, source.turn, seconds)
    original = await requests.turn(source.session, source.turn)
    original = original or await content.turn(requests, source.session, source.turn)
    if original is None:
        raise NothingToDo(f"session {source.session} has no turn {source.turn}")
    return Comparison(
        original=await _outcome(requests, source.session, original, source.seq),
        fork=await _outcome(requests, session, ended, source.seq),
    )


async def _outcome(requests: Requests, session: str, turn: TurnView, seq: int) -> Outcome:
    """Return what a session did in a turn from an entry on."""
    entries = [
        await content.whole(requests, session, entry)
        async for entry in content.log(requests, session, seq)
        if entry.turn == turn.turn
    ]
    return outcome_of(entries, session=session, turn=turn.turn, status=turn.status, error=turn.error)
