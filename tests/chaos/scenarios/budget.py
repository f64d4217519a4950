"""Many runs at once share the budget of one tenant, which is not enough for all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..app import TENANT, TENANT_TOKENS
from ..driving import drive
from ..oracle import requests
from ..processes import Options, world
from ..program import programs
from ..report import Row

PER_RUN = 1_500
"""Tokens of the budget for each run; a run would use about twice as many."""


async def run(options: Options) -> Row:
    """Together they use at most the budget and one call's reservation."""
    return await _row("budget", options, "")


async def careless(options: Options) -> Row:
    """The same without reservations."""
    return await _row("budget-careless", options, "reservations")


async def _row(name: str, options: Options, careless: str) -> Row:
    options = replace(options, at_once=options.runs)
    row, runs = Row(name, options), programs(options.seed, options.runs)
    limit = options.runs * PER_RUN
    script = "tests.chaos.budget_script:script"
    async with world(
        options, script=script, careless=careless, environment={TENANT_TOKENS: str(limit)}
    ) as up:
        ends = await drive(up, runs, tenant=TENANT)
        asked = requests(up.requests)
        used = sum(each["tokens"] for each in asked)
        row.counts |= {"runs": len(runs), "requests": len(asked), "budget": limit, "used": used}
        row.counts |= {f"ended {code or 'done'}": n for code, n in Counter(e.code for e in ends).items()}
        row.at_most("overspent", max(0, used - limit), max(each["tokens"] for each in asked))
        known = ("", "budget_exhausted")
        row.forbid("otherwise ended", [f"{e.id} {e.code}" for e in ends if e.code not in known], len(ends))
    return row
