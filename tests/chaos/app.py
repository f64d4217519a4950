"""The App that the workers serve. Environment variables switch protections off."""

from __future__ import annotations

import asyncio
import os

from holdfast import Agent, App, Budget, Delegate, FanOut, Memory, Parallel, Stage, ToolContext, tool
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from tests.kills.ledger import post as book

from .calls import note
from .ledger import booked
from .program import ATTEMPTS, REPAIRS, SCOUTS

LEDGER = "CHAOS_LEDGER"
"""The variable with the ledger's address."""

CARELESS = "CHAOS_CARELESS"
"""The variable that says which protection is off."""

TENANT = "acme"
TENANT_TOKENS = "CHAOS_TENANT_TOKENS"
"""The tenant with a budget, and the variable that says how large it is."""

RICH_TOKENS, POOR_TOKENS = 1_000_000, 8_000
"""Budgets of research teams, the second of which is not enough."""

_RETRY = RetryPolicy(
    attempts=1 if os.environ.get(CARELESS) == "retries" else 8, first_delay=0.2, max_delay=2.0
)


@tool(inline=True)
def peek(what: str) -> str:
    """Look quickly.

    Args:
        what: What at.
    """
    note()
    return f"seen: {what}"


@tool(retries=_RETRY)
async def look(what: str) -> str:
    """Look, slowly.

    Args:
        what: What at.
    """
    note()
    await asyncio.sleep(0.2)
    return f"seen: {what}"


@tool(effect="idempotent", retries=_RETRY)
def post(what: str, ctx: ToolContext) -> str:
    """Post something, under the call's key.

    Args:
        what: What to post.
    """
    note()
    return book(os.environ[LEDGER], ctx.key, what)


@tool(effect="once", timeout=5)
def charge(what: str, ctx: ToolContext) -> str:
    """Charge for something, without a probe.

    Args:
        what: What for.
    """
    note()
    return book(os.environ[LEDGER], ctx.key, what)


def ordered(ctx: ToolContext) -> str | None:
    """Return the order under the call's key."""
    return booked(os.environ[LEDGER], ctx.key)


@tool(effect="once", timeout=5, probe=ordered)
def order(what: str, ctx: ToolContext) -> str:
    """Order something, with a probe.

    Args:
        what: What to order.
    """
    note()
    return book(os.environ[LEDGER], ctx.key, what)


@tool(name="peek")
def glance(what: str) -> str:
    """Look quickly, though in an activity of its own: then a model call's attempts are its own, too.

    Args:
        what: What at.
    """
    return f"seen: {what}"


def _agent(name: str, *models: str) -> Agent:
    return Agent(name, model=models, tools=[peek, look, post, charge, order], model_retry=_RETRY)


def _faulted(name: str, *models: str, adaptive: bool) -> Agent:
    return Agent(
        name,
        model=models,
        tools=[glance, look, post, charge, order],
        model_retry=RetryPolicy(attempts=ATTEMPTS, first_delay=0.2, max_delay=1.0, adaptive=adaptive),
        max_repairs=REPAIRS,
        model_timeout=10,
    )


def _lead(name: str, tokens: int) -> Agent:
    """The lead of a research team, with a budget for the whole team."""
    return Agent(
        name,
        model=f"openai:{name}",
        tools=[FanOut("scout", most=SCOUTS), Delegate("critic"), order],
        working_memory=True,
        model_retry=_RETRY,
        budget=Budget(tokens=tokens),
    )


def _survey() -> Parallel:
    """The same work without a model that leads it."""
    scouts = [Stage("scout", task=f"{{request}} scout-{number}") for number in range(SCOUTS)]
    combine = Stage("closer", task="{request} closer")
    return Parallel("survey", agents=scouts, combine=combine, budget=Budget(tokens=RICH_TOKENS))


def _tenants() -> dict[str, TenantLimits]:
    tokens = os.environ.get(TENANT_TOKENS, "")
    return {TENANT: TenantLimits(tokens_per_day=int(tokens))} if tokens else {}


app = App(
    agents=[
        _agent("clerk", "openai:scripted"),
        _agent("alone", "openai:scripted"),
        _agent("backed", "openai:scripted", "anthropic:scripted"),
        _faulted("plain", "openai:scripted", adaptive=False),
        Agent("keeper", model="openai:scripted", memory=Memory(), model_retry=_RETRY),
        _faulted("chained", "openai:scripted", "anthropic:scripted", adaptive=True),
        _lead("lead", RICH_TOKENS),
        _lead("poor", POOR_TOKENS),
        Agent("scout", model="openai:scout", tools=[look, post], model_retry=_RETRY),
        Agent("critic", model="openai:critic", model_retry=_RETRY),
        Agent("closer", model="openai:closer", tools=[order], model_retry=_RETRY),
    ],
    teams=[_survey()],
    tenants=_tenants(),
)
