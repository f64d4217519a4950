"""The arithmetic of charges, the same for both databases.

A charge has three parts, in one transaction: what was used is added to every account,
whatever the limits; the holder's own hold is taken off; a new hold is granted if each
account has room for it beside what is spent and what others hold.
"""

import math
from dataclasses import dataclass, fields

from holdfast_workflows.contracts.errors import BadInput

from ..log.extras import AccountState, Amount, Charge, Charged, Limit
from ..log.rows import identifier

MOST = 10**15
"""The largest amount or limit in one charge; sums of them stay within the 63 bits of a column."""

NOTHING = Amount()


@dataclass(slots=True)
class Balance:
    """What is spent on an account, and what others than those who are being charged hold of it."""

    tokens: int
    micros: int
    held_tokens: int = 0
    held_micros: int = 0


Balances = dict[str, Balance]
"""The standing of accounts by name."""


def grant(charge: Charge, balances: Balances) -> Charged:
    """Reserve what a charge asks for, on all its accounts or on none.

    ``balances`` has the charge's ``spent`` in it and the holder's own hold not; a hold that is
    granted is added.
    """
    if charge.reservation == NOTHING:
        return Charged()
    for account, limit in charge.accounts.items():
        now = balances[account]
        if not (
            _fits(now.tokens + now.held_tokens + charge.reservation.tokens, limit.tokens)
            and _fits(now.micros + now.held_micros + charge.reservation.micros, limit.micros)
        ):
            spent, held = Amount(now.tokens, now.micros), Amount(now.held_tokens, now.held_micros)
            return Charged(refused_by=AccountState(account, limit, spent, held))
    _hold(charge, balances, 1)
    return Charged()


def release(charge: Charge, balances: Balances) -> None:
    """Take a hold that ``grant`` has granted off again."""
    _hold(charge, balances, -1)


def check(charge: Charge) -> None:
    """Refuse a charge that the databases could not count.

    Raises:
        BadInput: A name cannot be a key, an amount or limit is no whole number from 0 to ``MOST``, or
            ``until`` is no time.
    """
    identifier(charge.holder)
    for account in charge.accounts:
        identifier(account)
    parts: list[Amount | Limit] = [charge.spent, charge.reservation, *charge.accounts.values()]
    for part in parts:
        for field in fields(part):
            value = getattr(part, field.name)
            if value is not None and not (isinstance(value, int) and 0 <= value <= MOST):
                raise BadInput(f"{field.name} of a charge is {value!r}; a whole number up to {MOST} is meant")
    if not math.isfinite(charge.until):
        raise BadInput("the time until which a charge holds is not finite")


def _fits(sum_: int, limit: int | None) -> bool:
    return limit is None or sum_ <= limit


def _hold(charge: Charge, balances: Balances, sign: int) -> None:
    for account in charge.accounts:
        balances[account].held_tokens += sign * charge.reservation.tokens
        balances[account].held_micros += sign * charge.reservation.micros
