"""Save a step of a session as a case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from holdfast_client.operations import effects
from holdfast_client.operations.stored import content
from holdfast_client.requests import waiting
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.evaluation.cases import (
    Case,
    CaseSource,
    ExpectCall,
    ExpectJudge,
    ExpectStatus,
)
from holdfast_workflows.contracts.evaluation.outcomes import Outcome, outcome_of
from holdfast_workflows.contracts.evaluation.steps import Place, Steps
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.session import SessionView
from holdfast_workflows.contracts.text.redaction import redact_value


async def case(
    requests: Requests,
    session: str,
    step: int,
    *,
    turn: int | None = None,
    name: str = "",
    judge: str | None = None,
) -> Case:
    """Make a case of a step, redacted. It expects the turn's end, and the calls with an effect that were made.

    ``judge`` is a question for a model that judges the reply; empty for the default one, None for no judge.
    """
    view = await requests.query(session, "view", waiting.NO_EVENTS, SessionView)
    steps, found = Steps(), list[Entry]()
    async for entry in content.log(requests, session):
        found.append(entry)
        steps.add(entry)
    place = steps.find(session, turn, step)
    kept = [entry for entry in found if entry.seq <= place.last or entry.seq < place.seq]
    whole = [await content.whole(requests, session, entry) for entry in kept]
    ended = await requests.turn(session, place.turn) or await content.turn(requests, session, place.turn)
    done = outcome_of(
        (entry for entry in whole if entry.seq >= place.seq),
        session=session,
        turn=place.turn,
        status=ended.status if ended else "running",
    )
    made = await effects.effects(requests, session)
    expectations = [*_expected(done, place, made), *([ExpectJudge(question=judge)] if judge else [])]
    if judge == "":
        expectations.append(ExpectJudge())
    with bad_input():
        return Case.model_validate(
            redact_value(
                {
                    "name": name or _name(session, place),
                    "agent": view.agent,
                    "turn": place.turn,
                    "step": step,
                    "seq": place.seq,
                    "expected": done.text,
                    "expectations": [each.model_dump() for each in expectations],
                    "user": view.user,
                    "source": _source(session, done),
                    # Signed data of a provider would not survive the redaction.
                    "entries": [entry.model_dump(exclude={"extra"}) for entry in whole],
                }
            )
        )


def _expected(done: Outcome, place: Place, made: Iterable[EffectView]) -> Sequence[ExpectStatus | ExpectCall]:
    """Expect what happened: the turn was done, and each tool with an effect got the same arguments."""
    tools = {each.tool for each in made if each.turn == place.turn}
    found = [ExpectStatus()] if done.status == "done" else []
    calls = (call for call in done.calls if call.name in tools and call.status == "ok")
    return [*found, *(ExpectCall(tool=call.name, arguments=_arguments(call.arguments)) for call in calls)]


def _arguments(text: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _name(session: str, place: Place) -> str:
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', session)[:150]}-turn-{place.turn}"


def _source(session: str, done: Outcome) -> dict[str, Any]:
    return CaseSource(
        session=session,
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
        models=done.models,
        steps=done.steps,
        cost=done.usage.cost,
        seconds=done.seconds,
    ).model_dump()
