"""What a model call reserves and pays, on a real database."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.models.base import Model
from holdfast_activities.models.own_prices import OwnPrice
from holdfast_activities.session.model_call.reservation import (
    HELD_FOR,
    SHORTEST,
    BudgetReservation,
    CostEstimate,
    Payer,
    limits_of,
)
from holdfast_activities.state import State, open_state, upgrade
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import Allowance, Reservation, Spent
from holdfast_workflows.contracts.errors import ModelUnpriced
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.operations.costs import CostRow, ListCosts
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import Wait

NEED = CostEstimate(prompt=600, output=400)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    await upgrade(url)
    state = await open_state(url)
    yield state
    await state.close()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    models = Models({"openai": ProviderConfig("openai", "http://127.0.0.1:9")})
    yield models.get("openai:gpt-5-mini")
    await models.close()


def reservation(
    state: State,
    *,
    session: str = "s",
    tokens: int | None = None,
    dollars: float | None = None,
    tenant: TenantLimits | None = None,
    hold: Reservation | None = None,
    keep_room: bool = False,
    trusted: bool = True,
    call: float = 60.0,
    clock: Callable[[], float] = time.time,
) -> BudgetReservation:
    limited = tokens is not None or dollars is not None
    allowance = Allowance(account="run:shared", tokens=tokens, dollars=dollars) if limited else None
    return BudgetReservation(
        state.budgets,
        Payer(session, "acme" if tenant else "", tenant, allowance),
        call,
        before=hold,
        trusted=trusted,
        keep_room=keep_room,
        clock=clock,
    )


async def pay(
    state: State, own: BudgetReservation, model: Model, used: int, following: CostEstimate | None = None
) -> None:
    charge = own.settle(model, Usage(input_tokens=used), following)
    own.settled(charge, await state.budgets.charge(charge))


async def costs(state: State) -> CostRow:
    [total] = await state.costs.rows(ListCosts(by=()), date(2026, 1, 1), date(2100, 1, 1), 1)
    return total


async def test_without_limits_nothing_is_reserved_and_nothing_charged(state: State, model: Model) -> None:
    own = reservation(state)
    assert await own.reserve(model, NEED) == NEED.output
    await pay(state, own, model, 5, NEED)
    assert await state.budgets.list() == []
    assert (await costs(state)).input_tokens == 5


async def test_calls_that_ended_without_a_reply_cost_once(state: State, model: Model) -> None:
    own = reservation(state)
    own.count(model, Usage(input_tokens=7))
    await pay(state, own, model, 5)
    own.count(model, Usage(input_tokens=3))
    await own.release()
    await own.release()
    found = await costs(state)
    assert (found.input_tokens, found.model_calls) == (15, 3)


async def test_a_charge_that_was_written_is_not_written_again(state: State, model: Model) -> None:
    own = reservation(state, tokens=5_000)
    own.count(model, Usage(input_tokens=7))
    charge = own.settle(model, Usage(input_tokens=5), None)
    await state.budgets.charge(charge)
    own.settled(charge, None)  # written, but the answer was lost
    await own.release()
    (account,) = await state.budgets.list()
    assert (account.tokens, (await costs(state)).input_tokens) == (12, 12)


@pytest.mark.parametrize(
    "limits",
    [{"dollars": 1.0}, {"tenant": TenantLimits(dollars_per_day=1.0)}, {"tokens": 9, "dollars": 1.0}],
    ids=["run", "tenant", "both"],
)
async def test_a_model_without_a_price_is_refused_under_a_budget_in_dollars(
    state: State, limits: dict[str, Any]
) -> None:
    own, local = reservation(state, **limits), {"local": ProviderConfig("openai", "http://127.0.0.1:9")}
    with pytest.raises(ModelUnpriced, match="HOLDFAST_PRICES") as refused:
        own.expect_price(Models(local).get("local:m"))
    assert "local:m" in refused.value.detail
    free = Models(local, prices={"local:m": OwnPrice(input=0, output=0)}).get("local:m")
    own.expect_price(free)


async def test_a_model_without_a_price_is_called_under_a_budget_in_tokens(state: State) -> None:
    unpriced = Models({"local": ProviderConfig("openai", "http://127.0.0.1:9")}).get("local:m")
    reservation(state, tokens=9).expect_price(unpriced)
    reservation(state, tenant=TenantLimits(tokens_per_day=9)).expect_price(unpriced)


async def test_a_call_that_fits_is_reserved_whole(state: State, model: Model) -> None:
    own = reservation(state, tokens=1_000)
    assert await own.reserve(model, NEED) == 400
    (account,) = await state.budgets.list()
    assert (account.held_tokens, account.tokens) == (1_000, 0)


async def test_a_reply_is_made_shorter_where_the_budget_nears_its_end(state: State, model: Model) -> None:
    assert await reservation(state, tokens=900).reserve(model, NEED) == 300


async def test_a_budget_without_room_for_a_short_reply_is_spent(state: State, model: Model) -> None:
    own = reservation(state, tokens=600 + SHORTEST - 1)
    spent = await own.reserve(model, NEED)
    assert spent == Spent(scope="run", what="tokens", limit=600 + SHORTEST - 1, used=0)


async def test_a_spent_tenant_is_not_taken_for_the_run_in_an_app_with_a_name(
    tmp_path: Path, model: Model
) -> None:
    state = await open_state(f"sqlite:///{tmp_path / 'named.db'}", scope="holdfast-shop")
    own = reservation(state, tokens=100_000, tenant=TenantLimits(tokens_per_day=100))
    spent = await own.reserve(model, NEED)
    assert isinstance(spent, Spent)
    assert (spent.scope, spent.limit) == ("tenant", 100)
    await state.close()


async def test_what_is_spent_is_the_limit_that_is_in_the_way(state: State, model: Model) -> None:
    # Of the tokens far more are used than of the dollars, but there is room for a call.
    own = reservation(state, tokens=100_000, dollars=0.0005)
    await pay(state, own, model, 50_000)
    spent = await own.reserve(model, NEED)
    assert isinstance(spent, Spent)
    assert (spent.what, spent.limit) == ("dollars", 0.0005)


async def test_a_short_reply_that_others_leave_no_room_for_is_waited_for_too(
    state: State, model: Model
) -> None:
    short = CostEstimate(NEED.prompt, SHORTEST // 2)
    await reservation(state, session="one", tokens=1_500).reserve(model, NEED)
    assert isinstance(await reservation(state, session="two", tokens=1_500).reserve(model, short), Wait)


async def test_what_others_have_reserved_is_waited_for_not_refused(state: State, model: Model) -> None:
    assert await reservation(state, session="one", tokens=1_500).reserve(model, NEED) == 400
    assert isinstance(await reservation(state, session="two", tokens=1_500).reserve(model, NEED), Wait)


async def test_room_for_a_last_call_is_left_where_the_run_is_to_finish(state: State, model: Model) -> None:
    enough = NEED.prompt + NEED.output + NEED.prompt + SHORTEST
    assert await reservation(state, tokens=enough, keep_room=True).reserve(model, NEED) == 400
    left = await reservation(state, session="s", tokens=enough - 200, keep_room=True).reserve(model, NEED)
    assert isinstance(left, Spent)


async def test_the_hold_of_the_step_before_pays_for_the_call(state: State, model: Model) -> None:
    before = reservation(state, tokens=10_000)
    await before.reserve(model, NEED)
    await pay(state, before, model, 700, NEED)
    assert before.hold is not None
    after = reservation(state, tokens=10_000, hold=before.hold)
    assert await after.reserve(model, NEED) == 400
    (account,) = await state.budgets.list()
    assert (account.tokens, account.held_tokens) == (700, 1_000)


async def test_a_hold_that_a_lost_attempt_may_have_changed_is_taken_anew(state: State, model: Model) -> None:
    never_made = Reservation(tokens=5_000, dollars=1.0, until=time.time() + 60)
    own = reservation(state, tokens=10_000, hold=never_made, trusted=False)
    assert await own.reserve(model, NEED) == 400
    (account,) = await state.budgets.list()
    assert account.held_tokens == 1_000


async def test_a_hold_does_not_lapse_while_its_call_is_made(state: State, model: Model) -> None:
    began = time.time() - HELD_FOR
    own = reservation(state, tokens=1_500, clock=lambda: began)
    await own.reserve(model, NEED)
    assert own.hold is not None
    assert isinstance(await reservation(state, session="two", tokens=1_500).reserve(model, NEED), Wait)
    # What was reserved so long ago would lapse amid a call that begins now.
    assert reservation(state, tokens=1_500, hold=own.hold).hold is None


async def test_what_was_held_and_not_used_comes_back(state: State, model: Model) -> None:
    own = reservation(state, tokens=1_000)
    await own.reserve(model, NEED)
    await pay(state, own, model, 100)
    (account,) = await state.budgets.list()
    assert (account.tokens, account.held_tokens) == (100, 0)


async def test_a_call_that_failed_gives_its_reservation_back(state: State, model: Model) -> None:
    own = reservation(state, tokens=1_000)
    await own.reserve(model, NEED)
    await own.release()
    (account,) = await state.budgets.list()
    assert (account.tokens, account.held_tokens) == (0, 0)


async def test_a_budget_in_dollars_is_kept_to_the_models_price(state: State, model: Model) -> None:
    dollars = model.cost(600, 300)
    allowed = await reservation(state, dollars=dollars).reserve(model, NEED)
    assert isinstance(allowed, int)
    assert SHORTEST <= allowed <= 300
    spent = await reservation(state, session="two", dollars=1e-6).reserve(model, NEED)
    assert isinstance(spent, Spent)
    assert spent.what == "dollars"


async def test_a_tenant_is_charged_by_the_day(state: State, model: Model) -> None:
    evening = datetime(2026, 1, 31, 23, 59, tzinfo=UTC).timestamp()
    own = reservation(state, tenant=TenantLimits(tokens_per_day=1_000), clock=lambda: evening)
    await own.reserve(model, NEED)
    (account,) = await state.budgets.list("tenant:")
    assert account.account == names.tenant_account("acme", "2026-01-31")


async def test_a_hold_on_the_day_that_is_over_does_not_pay_for_a_call_of_the_next(
    state: State, model: Model
) -> None:
    now = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    tenant = TenantLimits(tokens_per_day=1_000)
    evening = reservation(state, tenant=tenant, clock=lambda: now)
    await evening.reserve(model, NEED)
    assert evening.hold is not None
    assert reservation(state, tenant=tenant, hold=evening.hold, clock=lambda: now).hold == evening.hold
    morning = reservation(state, tenant=tenant, hold=evening.hold, clock=lambda: now + 2)
    assert await morning.reserve(model, NEED) == NEED.output
    days = [each.account for each in await state.budgets.list("tenant:")]
    assert days == [names.tenant_account("acme", day) for day in ("2026-01-31", "2026-02-01")]


async def test_a_hundred_runs_at_once_never_overspend(state: State, model: Model) -> None:
    limit = 20_000

    async def run() -> int:
        own, used = reservation(state, session=uuid.uuid4().hex, tokens=limit), 0
        for _ in range(200):
            allowed = await own.reserve(model, NEED)
            if isinstance(allowed, Spent):
                break
            if isinstance(allowed, Wait):
                await asyncio.sleep(0)
                continue
            await pay(state, own, model, NEED.prompt + allowed)
            used += NEED.prompt + allowed
        return used

    used = sum(await asyncio.gather(*(run() for _ in range(100))))
    assert limit - NEED.prompt - SHORTEST < used <= limit


def test_a_tenants_limits_are_its_own_or_those_of_all_others() -> None:
    own, others = TenantLimits(tokens_per_day=1), TenantLimits(tokens_per_day=2)
    assert limits_of({"acme": own, "*": others}, "acme") == own
    assert limits_of({"acme": own, "*": others}, "brick") == others
    assert limits_of({"acme": own}, "brick") is None
    assert limits_of({"*": others}, "") is None


async def test_a_database_that_is_gone_does_not_hide_why_a_reservation_goes_back(
    tmp_path: Path, model: Model
) -> None:
    url = f"sqlite:///{tmp_path / 'gone.db'}"
    await upgrade(url)
    state = await open_state(url)
    own = reservation(state, tokens=5_000)
    await own.reserve(model, NEED)
    await state.close()
    await own.release()
