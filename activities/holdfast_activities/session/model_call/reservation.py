"""Budget reservations of a session's model calls.

Before a call its upper bound is reserved. Its usage is charged in the transaction that writes the reply,
which also reserves the next call; so in most cases a reservation costs no write of its own. The same transaction
counts its cost for reports. Without limits nothing is reserved.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from holdfast_activities import clock
from holdfast_activities.models.base import Model
from holdfast_activities.state.coordination.budgets import BudgetStore
from holdfast_activities.state.log.extras import (
    MICROS,
    AccountState,
    Amount,
    Charge,
    Charged,
    CostOwner,
    Limit,
    ModelCost,
)
from holdfast_workflows.contracts.agent.budget import Allowance, Reservation, Spent
from holdfast_workflows.contracts.errors import BudgetExhausted, HoldfastError, ModelUnpriced
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import Wait

from .cost_shares import ToolShares, divided

OUTPUT = 4_096
"""Tokens reserved for a reply if the agent sets no ``max_tokens``; the request is limited to them."""

SHORTEST = 256
"""Minimum output tokens; with less room no call is made."""

RESULTS = 4_000
"""Tokens reserved for the results of the calls that a reply asks for."""

HELD_FOR = 600.0
"""Seconds after which an unused reservation expires, in addition to the time of one call: its session was
terminated, or waits."""

_IN_THE_WAY = 1.5
"""Seconds until the next try when other calls have the rest reserved: most cost less than reserved."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Upper bound of a call: prompt tokens and output tokens."""

    prompt: int
    output: int

    def amount(self, model: Model) -> Amount:
        """The estimate in tokens and micro-dollars."""
        return Amount(self.prompt + self.output, _micros(model.cost(self.prompt, self.output)))


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for a model call. ``purpose`` is that of a call in the background."""

    session: str
    tenant: str
    limits: TenantLimits | None = None
    allowance: Allowance | None = None
    agent: str = ""
    purpose: str = ""

    @property
    def holder(self) -> str:
        """The name of the reservation on the accounts of run and tenant."""
        return f"{self.session}/{self.purpose}" if self.purpose else self.session


class BudgetReservation:
    """The accounts that one activity's model calls are charged to, and what is reserved on them."""

    def __init__(
        self,
        accounts: BudgetStore,
        payer: Payer,
        call_seconds: float,
        *,
        before: Reservation | None = None,
        trusted: bool = True,
        keep_room: bool = False,
        clock: Callable[[], float] = clock.now,
    ) -> None:
        """Start with the reservation that the previous step made for this one (``before``).

        It is not ``trusted`` after a lost attempt, which may have changed it. A call takes at most ``call_seconds``;
        its reservation must not expire earlier. With ``keep_room``, room for a short final call is reserved too.
        """
        self.payer = payer
        self._accounts = accounts
        self._call = call_seconds
        self._keep_room = keep_room
        self._clock = clock
        self._touched = before is not None
        self._unanswered = Amount()
        self._costs: tuple[ModelCost, ...] = ()
        self._owner = CostOwner(payer.session, payer.agent, payer.tenant, accounts.app)
        # It lasts for one activity, so the day on which that starts is charged.
        self._limits = self._find_limits()
        self.hold = before if trusted and before and self._stands(before) else None

    def _find_limits(self) -> dict[str, Limit]:
        found: dict[str, Limit] = {}
        run, tenant = self.payer.allowance, self.payer.limits
        while run is not None:
            found[run.account] = Limit(run.tokens, None if run.dollars is None else _micros(run.dollars))
            run = run.within
        if tenant is not None and (tenant.tokens_per_day is not None or tenant.dollars_per_day is not None):
            day = _day(self._clock())
            dollars = tenant.dollars_per_day
            found[self._accounts.tenant(self.payer.tenant, day)] = Limit(
                tenant.tokens_per_day, None if dollars is None else _micros(dollars)
            )
        return found

    def _stands(self, hold: Reservation) -> bool:
        """Whether a reservation is valid for another call, and on today's account of the tenant."""
        now, taken = self._clock(), hold.until - self._call - HELD_FOR
        return self._lasts(hold) and (self.payer.limits is None or _day(taken) == _day(now))

    def _lasts(self, hold: Reservation) -> bool:
        """Whether a reservation outlasts a call that starts now."""
        return hold.until - self._call > self._clock()

    def _until(self) -> float:
        return self._clock() + HELD_FOR + self._call

    @property
    def active(self) -> bool:
        return bool(self._limits)

    def expect_price(self, model: Model) -> None:
        """Refuse a model without a price under a budget in dollars, which it would count as free.

        Raises:
            ModelUnpriced: A budget is in dollars, and the model's price is not known.
        """
        if model.priced:
            return
        for account, limit in self._limits.items():
            if limit.micros is not None:
                raise ModelUnpriced(f"{model.name}, under the budget {account}")

    async def reserve(self, model: Model, need: CostEstimate) -> int | Wait | Spent:
        """Reserve a call, and return the tokens that its reply may have.

        ``Spent`` if there is no room even for a short reply; ``Wait`` if other calls have that room reserved now.
        """
        if not self.active or self._covers(model, need):
            return need.output
        for _ in range(_TRIES):
            hold = self._with_room(model, need)
            charged = await self._accounts.charge(self._charge(hold))
            self._take(charged, hold)
            refused = charged.refused_by
            if refused is None:
                return need.output
            smaller = _fitting(refused, model, need, self._aside(model, need))
            if isinstance(smaller, Spent):
                return smaller.model_copy(update={"scope": self._scope(refused.account)})
            if smaller == need:
                break  # it fits once other reservations are released
            need = smaller
        return Wait(
            seconds=_IN_THE_WAY,
            reason="what is left of the budget is reserved by other calls",
            kind="limit",
            error_code=BudgetExhausted.code,
        )

    def _scope(self, account: str) -> Literal["run", "parent", "tenant"]:
        each = self.payer.allowance
        while each is not None and each.account != account:
            each = each.within
        if each is None:  # not by the account's name, which begins with that of the app
            return "tenant"
        return "parent" if each.above else "run"

    def count(self, model: Model, used: Usage) -> None:
        """Count a call that ended without a reply; it is charged with what is charged next."""
        self._costs += divided(model, used, None)
        if self.active:
            more = Amount(used.input_tokens + used.output_tokens, _micros(used.cost))
            self._unanswered = _sum(self._unanswered, more)

    def settle(
        self, model: Model, used: Usage, following: CostEstimate | None, shares: ToolShares | None = None
    ) -> Charge:
        """The charge for a call that was made, reserving the ``following`` one. ``shares`` divide its cost by tools."""
        spent = Amount(used.input_tokens + used.output_tokens, _micros(used.cost))
        hold = Amount() if following is None or not self.active else self._with_room(model, following)
        return self._charge(hold, spent, divided(model, used, shares))

    def settled(self, charge: Charge, charged: Charged | None) -> None:
        """Record that a charge was written; None if it is unknown whether its reservation was granted."""
        if charged is None:
            self.hold, self._touched = None, self.active
            self._unanswered, self._costs = Amount(), ()
        else:
            self._take(charged, charge.reservation)

    async def release(self) -> None:
        """Release the reservation. If that fails it expires later, and the error is ignored."""
        if self._touched or self._costs:
            with suppress(HoldfastError):
                await self._accounts.charge(self._charge(Amount()))
                self._unanswered, self._costs = Amount(), ()
            self.hold, self._touched = None, False

    def _covers(self, model: Model, need: CostEstimate) -> bool:
        hold, amount = self.hold, need.amount(model)
        if hold is None or not self._lasts(hold):
            return False
        return hold.tokens >= amount.tokens and _micros(hold.dollars) >= amount.micros

    def _with_room(self, model: Model, need: CostEstimate) -> Amount:
        """The call, and the room for a final one."""
        return _sum(need.amount(model), self._aside(model, need))

    def _aside(self, model: Model, need: CostEstimate) -> Amount:
        """Room for a short final call, if the agent ends a spent budget with one."""
        if not self._keep_room:
            return Amount()
        return CostEstimate(need.prompt, SHORTEST).amount(model)

    def _charge(
        self,
        hold: Amount,
        spent: Amount = Amount(),  # noqa: B008 - it is immutable
        costs: tuple[ModelCost, ...] = (),
    ) -> Charge:
        return Charge(
            self.payer.holder,
            self._limits,
            _sum(spent, self._unanswered),
            hold,
            self._until(),
            self._owner,
            self._costs + costs,
        )

    def _take(self, charged: Charged, hold: Amount) -> None:
        self._unanswered, self._costs = Amount(), ()
        held = charged.refused_by is None and hold != Amount()
        self._touched = held
        reservation = Reservation(tokens=hold.tokens, dollars=hold.micros / MICROS, until=self._until())
        self.hold = reservation if held else None


def limits_of(tenants: Mapping[str, TenantLimits], tenant: str) -> TenantLimits | None:
    """A tenant's own limits, else those of ``*``; None for sessions without a tenant."""
    return tenants.get(tenant, tenants.get("*")) if tenant else None


def _fitting(account: AccountState, model: Model, need: CostEstimate, aside: Amount) -> CostEstimate | Spent:
    """The call with the longest reply that the account can pay for; the limit that prevents it if that is too short."""
    limit, spent = account.limit, account.spent
    output, shortest = need.output, min(SHORTEST, need.output)
    if limit.tokens is not None:
        output = min(output, limit.tokens - spent.tokens - aside.tokens - need.prompt)
        if output < shortest:
            return Spent(what="tokens", limit=limit.tokens, used=spent.tokens)
    if limit.micros is not None:
        room = limit.micros - spent.micros - aside.micros
        while output >= shortest and _micros(model.cost(need.prompt, output)) > room:
            output = output * 3 // 4
        if output < shortest:
            return Spent(what="dollars", limit=limit.micros / MICROS, used=spent.micros / MICROS)
    return CostEstimate(need.prompt, output)


def _sum(one: Amount, other: Amount) -> Amount:
    return Amount(one.tokens + other.tokens, one.micros + other.micros)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _micros(dollars: float) -> int:
    return round(dollars * MICROS)
