"""The effect ledger, read through an activity outside any session."""

from __future__ import annotations

from typing import Literal

from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.effects import EffectList, EffectStatus, EffectView, ListEffects

from .stored import content


async def effects(
    requests: Requests, session: str = "", status: EffectStatus | Literal[""] = "", limit: int = 500
) -> tuple[EffectView, ...]:
    """Return a session's effects, or those of all sessions."""
    with bad_input():
        request = ListEffects(session=session, status=status, limit=limit)
    found = await requests.activity(names.LIST_EFFECTS, request, EffectList, session=session)
    if session and not (found.effects or status):
        await requests.describe(session)
    if found.unknown:
        await content.expect_fresh(requests, session)
    return found.effects
