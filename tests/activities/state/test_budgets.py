"""Charges and holds, on both databases."""

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from holdfast_activities.state import State, open_state
from holdfast_activities.state.log.extras import AccountState, Amount, Charge, Charged, Limit
from holdfast_activities.state.setup.engines import make_engine
from holdfast_activities.state.setup.location import locate
from holdfast_activities.state.setup.tables import ReservationTable
from holdfast_workflows.contracts.agent.budget import BudgetAccount
from tests.activities.conftest import DATABASES

from .charges import TOMORROW, reserve
from .test_processes import go, process


async def standing(state: State, account: str) -> tuple[int, int]:
    """Tokens spent and held."""
    [view] = await state.budgets.list(account)
    return view.tokens, view.held_tokens


async def test_a_reservation_is_granted_up_to_the_limit(state: State, session: str) -> None:
    charge = state.budgets.charge
    assert await charge(reserve("one", session, 100, 60)) == Charged()
    assert await charge(reserve("two", session, 100, 41)) == Charged(
        AccountState(session, Limit(tokens=100), spent=Amount(), held=Amount(60))
    )
    assert await charge(reserve("two", session, 100, 40)) == Charged()
    assert await standing(state, session) == (0, 100)


async def test_usage_is_spent_even_beyond_the_limit(state: State, session: str) -> None:
    refused = await state.budgets.charge(reserve("one", session, 100, 1, spent=120))
    assert refused.refused_by == AccountState(session, Limit(tokens=100), spent=Amount(120), held=Amount())
    assert await standing(state, session) == (120, 0)


async def test_a_new_reservation_replaces_the_holders_last_one(state: State, session: str) -> None:
    for spent in (0, 40, 40):
        charged = await state.budgets.charge(reserve("one", session, 150, 60, spent=spent))
        assert charged.refused_by is None
    assert await standing(state, session) == (80, 60)


async def test_a_refused_reservation_releases_the_last_one(state: State, session: str) -> None:
    await state.budgets.charge(reserve("one", session, 100, 60))
    assert (await state.budgets.charge(reserve("one", session, 100, 60, spent=50))).refused_by
    assert await standing(state, session) == (50, 0)


async def test_a_charge_without_a_reservation_releases_the_last_one(state: State, session: str) -> None:
    await state.budgets.charge(reserve("one", session, 100, 100))
    assert await state.budgets.charge(reserve("one", session, 100, 0)) == Charged()
    assert await state.budgets.charge(reserve("two", session, 100, 100)) == Charged()


async def test_a_reservation_is_granted_on_all_accounts_or_none(state: State, session: str) -> None:
    run, tenant = f"run:{session}", f"tenant:{session}"
    await state.budgets.charge(reserve("other", tenant, 100, 50))
    charge = Charge(
        "one", {run: Limit(tokens=1_000), tenant: Limit(tokens=100)}, Amount(10), Amount(60), TOMORROW
    )
    refused = await state.budgets.charge(charge)
    assert refused.refused_by == AccountState(tenant, Limit(tokens=100), spent=Amount(10), held=Amount(50))
    assert await standing(state, run) == (10, 0)
    assert await standing(state, tenant) == (10, 50)


async def test_money_is_limited_as_tokens_are(state: State, session: str) -> None:
    limit = {session: Limit(micros=1_000_000)}
    charge = state.budgets.charge
    assert not (await charge(Charge("a", limit, Amount(), Amount(10**9, 600_000), TOMORROW))).refused_by
    assert (await charge(Charge("b", limit, Amount(), Amount(1, 400_001), TOMORROW))).refused_by
    assert not (await charge(Charge("b", limit, Amount(5, 1), Amount(1, 399_999), TOMORROW))).refused_by
    assert await state.budgets.list(session) == [
        BudgetAccount(
            account=session,
            tokens=5,
            dollars=0.000001,
            held_tokens=10**9 + 1,
            held_dollars=0.999999,
            dollars_limit=1.0,
        )
    ]


async def holders(url: str, account: str) -> list[str]:
    """Whose holds are in the table."""
    engine = make_engine(locate(url))
    async with engine.connect() as connection:
        found = await connection.execute(
            select(ReservationTable.holder).where(col(ReservationTable.account) == account)
        )
        names = list(found.scalars())
    await engine.dispose()
    return names


async def test_an_expired_reservation_does_not_count_and_is_removed(
    state: State, url: str, session: str
) -> None:
    lapsing = Charge("gone", {session: Limit(100)}, Amount(), Amount(80), time.time() - 1.0)
    assert not (await state.budgets.charge(lapsing)).refused_by
    assert await standing(state, session) == (0, 0)
    assert await holders(url, session) == ["gone"]
    assert not (await state.budgets.charge(reserve("one", session, 100, 100))).refused_by
    assert await holders(url, session) == ["one"]
    assert (await state.budgets.charge(reserve("two", session, 100, 1))).refused_by == AccountState(
        session, Limit(tokens=100), spent=Amount(), held=Amount(100)
    )


async def test_the_last_limits_are_shown(state: State, session: str) -> None:
    for limit in (100, 300):
        await state.budgets.charge(reserve("one", session, limit, 1))
    [view] = await state.budgets.list(session)
    assert view.tokens_limit == 300


async def test_budgets_are_listed_by_prefix(state: State, session: str) -> None:
    for name in ("b", "a", "A%", "c_"):
        await state.budgets.charge(reserve("one", session + name, 100, 1))
    listed = [view.account for view in await state.budgets.list(session)]
    assert sorted(listed) == sorted(session + name for name in ("a", "b", "A%", "c_"))
    assert [view.account for view in await state.budgets.list(session + "a")] == [session + "a"]
    assert await state.budgets.list(session + "%") == []
    assert len(await state.budgets.list(session, limit=2)) == 2


async def test_100_concurrent_charges_never_reserve_beyond_the_limit(
    state: State, url: str, session: str
) -> None:
    other = await open_state(url)
    outcomes = await asyncio.gather(
        *(
            store.budgets.charge(reserve(f"{n} of {mark}", session, 1_000, 30))
            for n in range(50)
            for mark, store in (("one", state), ("two", other))
        )
    )
    await other.close()
    assert sum(outcome.refused_by is None for outcome in outcomes) == 33
    assert await standing(state, session) == (0, 990)


async def test_concurrent_charges_of_one_holder_leave_one_reservation(state: State, session: str) -> None:
    await asyncio.gather(
        *(state.budgets.charge(reserve("one", session, 1_000, 30, spent=1)) for _ in range(40))
    )
    assert await standing(state, session) == (40, 30)


async def test_charges_in_different_account_orders_do_not_deadlock(state: State, session: str) -> None:
    names = [f"{session}{n}" for n in range(6)]
    charges = [
        Charge(
            f"h{n}",
            {name: Limit() for name in (names if n % 2 else reversed(names))},
            Amount(1),
            Amount(1),
            TOMORROW,
        )
        for n in range(60)
    ]
    async with asyncio.timeout(30):
        await asyncio.gather(*map(state.budgets.charge, charges))
    assert [await standing(state, name) for name in names] == [(60, 60)] * 6


@pytest.mark.parametrize("url", DATABASES, indirect=True)
@pytest.mark.slow
async def test_three_processes_never_reserve_beyond_an_accounts_limit(url: str, session: str) -> None:
    with (
        process("charge.py", url, session, 1_000, 30, "one") as one,
        process("charge.py", url, session, 1_000, 30, "two") as two,
        process("charge.py", url, session, 1_000, 30, "three") as three,
    ):
        go(one, two, three)
        granted = [int(each.communicate(timeout=60)[0]) for each in (one, two, three)]
    assert sum(granted) == 33
    state = await open_state(url)
    assert await standing(state, session) == (0, 990)
    await state.close()


AMOUNT = st.builds(Amount, st.integers(0, 60), st.integers(0, 60))
LIMIT = st.builds(Limit, st.none() | st.integers(0, 200), st.none() | st.integers(0, 200))
CHARGE = st.builds(
    Charge,
    st.sampled_from(["one", "two", "three"]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), LIMIT, max_size=3),
    AMOUNT,
    AMOUNT,
    st.sampled_from([TOMORROW, TOMORROW, 1.0]),
)


class Model:
    """The rule of charges, in as few words as it can be said."""

    def __init__(self) -> None:
        self.spent: dict[str, Amount] = {}
        self.holds: dict[tuple[str, str], Amount] = {}

    def charge(self, charge: Charge) -> str:
        """The account that refuses, if one does."""
        for name in charge.accounts:
            self.spent[name] = _sum(self.spent.get(name, Amount()), charge.spent)
            self.holds.pop((name, charge.holder), None)
        if charge.reservation == Amount():
            return ""
        for name, limit in charge.accounts.items():
            total = _sum(self.spent[name], self.held(name), charge.reservation)
            for value, most in ((total.tokens, limit.tokens), (total.micros, limit.micros)):
                if most is not None and value > most:
                    return name
        if charge.until > time.time():
            self.holds |= {(name, charge.holder): charge.reservation for name in charge.accounts}
        return ""

    def held(self, name: str) -> Amount:
        return _sum(*(hold for (account, _), hold in self.holds.items() if account == name))


def _sum(*amounts: Amount) -> Amount:
    return Amount(sum(each.tokens for each in amounts), sum(each.micros for each in amounts))


# The database is shared by the examples, and each has accounts of its own in it.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charges=st.lists(CHARGE, max_size=8))
async def test_charges_follow_the_rule(state: State, session: str, charges: list[Charge]) -> None:
    prefix = f"{session}:{time.monotonic_ns()}:"
    model = Model()
    for charge in charges:
        accounts = {prefix + name: limit for name, limit in charge.accounts.items()}
        own = Charge(charge.holder, accounts, charge.spent, charge.reservation, charge.until)
        charged = await state.budgets.charge(own)
        refused = "" if charged.refused_by is None else charged.refused_by.account
        assert refused == model.charge(own)
        if charged.refused_by is not None:
            assert charged.refused_by.spent == model.spent[refused]
            assert charged.refused_by.held == model.held(refused)
    found = {view.account: view for view in await state.budgets.list(prefix)}
    assert {
        name: (view.tokens, view.dollars, view.held_tokens, view.held_dollars) for name, view in found.items()
    } == {
        name: (spent.tokens, spent.micros / 1e6, model.held(name).tokens, model.held(name).micros / 1e6)
        for name, spent in model.spent.items()
    }
