"""The arithmetic of charges, the same for both databases.

A charge does three things in one transaction: it adds what was used to every account, even beyond its
limit; it releases the holder's reservation; and it makes a new reservation if every account has room for
it next to the spending and the reservations of others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from holdfast_workflows.contracts.errors import BadInput

from ..log.extras import AccountState, Amount, Charge, Charged, Limit, ModelCost
from ..log.rows import identifier

MOST = 10**15
"""The largest amount or limit in one charge; sums of them stay within the 63 bits of a column."""

NOTHING = Amount()


@dataclass(slots=True)
class Balance:
    """The spending of an account, and what is reserved on it by holders that are not being charged."""

    tokens: int
    micros: int
    held_tokens: int = 0
    held_micros: int = 0


Balances = dict[str, Balance]
"""Balances by account name."""


def grant(charges: Sequence[Charge], balances: Balances) -> tuple[list[Charged], list[Charge]]:
    """Reserve each charge's amount, in order, on all its accounts or on none.

    ``balances`` includes what was spent but not the holders' reservations; granted ones are added.
    Returns the outcomes, and the charges whose reservations are final: a second charge of a holder
    replaces its first.
    """
    outcomes: list[Charged] = []
    granted: dict[str, Charge] = {}
    for charge in charges:
        if before := granted.pop(charge.holder, None):
            _reserve(before, balances, -1)
        outcome = Charged()
        if charge.reservation != NOTHING:
            outcome = _grant(charge, balances)
            if outcome.refused_by is None:
                granted[charge.holder] = charge
        outcomes.append(outcome)
    return outcomes, list(granted.values())


def _grant(charge: Charge, balances: Balances) -> Charged:
    for account, limit in charge.accounts.items():
        now = balances[account]
        if not (
            _fits(now.tokens + now.held_tokens + charge.reservation.tokens, limit.tokens)
            and _fits(now.micros + now.held_micros + charge.reservation.micros, limit.micros)
        ):
            spent, held = Amount(now.tokens, now.micros), Amount(now.held_tokens, now.held_micros)
            return Charged(refused_by=AccountState(account, limit, spent, held))
    _reserve(charge, balances, 1)
    return Charged()


def check(charge: Charge) -> None:
    """Raise BadInput for a charge with a value that the databases cannot store."""
    identifier(charge.holder)
    for account in charge.accounts:
        identifier(account)
    limits, costs = charge.accounts.values(), charge.costs
    parts: list[Amount | Limit | ModelCost] = [charge.spent, charge.reservation, *limits, *costs]
    for part in parts:
        for field in fields(part):
            value = getattr(part, field.name)
            if field.name in {"model", "tool"}:
                continue
            if value is not None and not (isinstance(value, int) and 0 <= value <= MOST):
                raise BadInput(f"{field.name} of a charge is {value!r}; use a whole number from 0 to {MOST}")
    if not math.isfinite(charge.until):
        raise BadInput("until of a charge is not finite; use seconds since 1970")


def _fits(sum_: int, limit: int | None) -> bool:
    return limit is None or sum_ <= limit


def _reserve(charge: Charge, balances: Balances, sign: int) -> None:
    for account in charge.accounts:
        balances[account].held_tokens += sign * charge.reservation.tokens
        balances[account].held_micros += sign * charge.reservation.micros
