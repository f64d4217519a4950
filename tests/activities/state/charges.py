"""Short ways to say charges and effects."""

import time

from holdfast_activities.state.log.extras import Amount, Charge, Limit
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView

TOMORROW = time.time() + 86_400
"""A time before which holds do not lapse."""


def reserve(holder: str, account: str, limit: int, hold: int, *, spent: int = 0) -> Charge:
    """A charge of tokens to one account."""
    return Charge(holder, {account: Limit(tokens=limit)}, Amount(spent), Amount(hold), TOMORROW)


def effect(key: str, status: EffectStatus = "settled", *, session: str = "", result: str = "") -> EffectView:
    return EffectView(
        key=key,
        session=session or key,
        seq=1,
        turn=1,
        agent="a",
        tenant="t",
        tool="pay",
        effect="once",
        status=status,
        arguments='{"sum": 1}',
        result=result,
        claimed=1.5,
        settled=2.5 if status == "settled" else 0.0,
    )
