"""Models without a price under a budget in dollars, and costs, as a session meets them."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, Budget, SimplifiedReply, TenantLimits
from holdfast.testing import Reply, Request, call, overloaded, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.errors import AllProvidersFailed, HoldfastError, ModelUnpriced

from ...support import look
from ..conftest import Start

PRICED, UNPRICED = "openai:gpt-5-mini", "anthropic:own-model"
ONCE = RetryPolicy(attempts=1)
DOLLARS = Budget(dollars=100.0)


class Script:
    """A model that gives one reply, and the models it was asked as."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.asked = reply, list[str]()

    def __call__(self, request: Request) -> Reply:
        self.asked.append(f"{request.wire}:{request.json['model']}")
        return self.reply


async def error_of(
    start: Start, script: Script, app: App, budget: Budget | None, tenant: str
) -> HoldfastError | None:
    async with start(script, app) as it:
        session = await it.holdfast.client.start("helper", "Hi", budget=budget, tenant=tenant)
        return (await session.wait(raise_on_error=False)).error


@pytest.mark.parametrize("of", ["run", "tenant"])
async def test_a_model_without_a_price_is_not_called_under_a_budget_in_dollars(start: Start, of: str) -> None:
    tenants = {"acme": TenantLimits(dollars_per_day=1.0)} if of == "tenant" else {}
    script = Script(say("Hi."))
    app = App(agents=[Agent("helper", model=UNPRICED)], tenants=tenants)
    error = await error_of(start, script, app, DOLLARS if of == "run" else None, "acme")
    assert isinstance(error, ModelUnpriced)
    assert f"{UNPRICED}, under the budget {of}:" in error.detail
    assert "HOLDFAST_PRICES" in str(error)
    assert script.asked == []


async def test_a_fallback_without_a_price_is_not_called_either(start: Start) -> None:
    simplified = SimplifiedReply(model=UNPRICED)
    agent = Agent(
        "helper", model=[PRICED, UNPRICED], model_retry=ONCE, fallbacks=[simplified], budget=DOLLARS
    )
    script = Script(overloaded())
    error = await error_of(start, script, App(agents=[agent]), None, "")
    assert isinstance(error, AllProvidersFailed | ModelUnpriced)
    assert ModelUnpriced.code in f"{error.code} {error.detail}"
    assert script.asked == [PRICED]


async def test_the_next_model_answers_where_the_first_has_no_price(start: Start) -> None:
    script = Script(say("Hi."))
    app = App(agents=[Agent("helper", model=[UNPRICED, PRICED], budget=DOLLARS)])
    assert await error_of(start, script, app, None, "") is None
    assert script.asked == [PRICED]


async def test_costs_are_reported_by_tool_at_the_deployments_own_prices(start: Start) -> None:
    script = [
        call("look", {"at": "the shelf"}).but(input_tokens=100, output_tokens=20),
        say("Seen.", input_tokens=200, output_tokens=10),
    ]
    app = App(agents=[Agent("helper", model=UNPRICED, tools=[look], budget=DOLLARS)])
    prices = f'{{"{UNPRICED}": {{"input": 1000, "output": 2000}}}}'
    async with start(script, app, prices=prices) as it:
        client = it.holdfast.client
        session = await client.start("helper", "Look.", tenant="acme", user="ann")
        reply = await session.wait()
        by_tool = await client.costs("tool", session=session.id)
        [row] = (await client.costs(["user", "model"], tenant="acme")).rows
        [account] = await client.budgets(prefix=f"run:{session.id}")
    assert reply.usage.cost == pytest.approx(0.3 + 0.06)
    assert by_tool.total.dollars == account.dollars == pytest.approx(reply.usage.cost)
    assert (by_tool.total.model_calls, by_tool.total.input_tokens, by_tool.total.output_tokens) == (
        2,
        300,
        30,
    )
    assert [(each.tool, each.tool_calls) for each in by_tool.rows] == [("", 0), ("look", 1)]
    # All of the first reply is the call, and a part of the second prompt its result.
    assert by_tool.rows[1].output_tokens == 20
    assert 0 < by_tool.rows[1].input_tokens < 200
    assert (row.user, row.model, row.dollars) == ("ann", UNPRICED, by_tool.total.dollars)
    assert by_tool.forecast is not None
    assert by_tool.forecast.spent == pytest.approx(by_tool.total.dollars)
