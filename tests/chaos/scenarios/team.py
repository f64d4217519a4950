"""Research teams, a lead with eight scouts at once and a critic, whose workers die by SIGKILL at random times."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from .. import ledger
from ..app import POOR_TOKENS
from ..driving import Ended, drive
from ..fault_injection import repeat_in_background
from ..oracle import requests
from ..processes import Options, World, world
from ..program import LAST_WORD, Program
from ..report import Row
from ..team_script import REQUESTS, effects

_PAUSE = (2.0, 7.0)
"""Seconds between two kills."""

_POOR = 10
"""One run of so many has a budget that is not enough for its team."""


async def run(options: Options) -> Row:
    """Every team completes, each effect happens once, and one budget holds for a whole team."""
    return await _row("team", options, "")


async def careless(options: Options) -> Row:
    """The same without reservations, so that the scouts of a team spend its budget several times."""
    return await _row("team-careless", options, "reservations")


def agent(run: Program) -> str:
    """The lead of a run; every third run is of a team that no model leads."""
    if run.id.startswith("poor"):
        return "poor"
    return "survey" if int(run.id.rpartition("-")[2]) % 3 == 2 else "lead"


async def _row(name: str, options: Options, careless: str) -> Row:
    row, dice = Row(name, options), random.Random(f"{options.seed}/team")
    rich = [Program(f"team-{options.seed}-{number}", ()) for number in range(options.runs)]
    poor = [Program(f"poor-{options.seed}-{number}", ()) for number in range(max(2, options.runs // _POOR))]
    async with world(options, script="tests.chaos.team_script:script", careless=careless) as up:
        async with repeat_in_background(lambda: dice.uniform(*_PAUSE), up.fleet.kill):
            ends = await drive(up, [*rich, *poor], agent)
        row.counts |= {"kills": len(up.fleet.kills), "spared": up.fleet.spared}
        _judge_ends(row, ends[: len(rich)], ends[len(rich) :])
        _judge_effects(row, [each.id for each in rich], ledger.account(up.ledger))
        row.counts["requests expected"] = sum(REQUESTS[agent(each)] for each in rich)
        await _judge_budgets(row, up)
    return row


def _judge_ends(row: Row, rich: Sequence[Ended], poor: Sequence[Ended]) -> None:
    lost = [f"{each.id}: {each.code or each.text!r} {each.detail}" for each in rich if each.text != LAST_WORD]
    row.counts |= {"teams": len(rich), "poor teams": len(poor)}
    row.forbid("lost", lost, len(rich))
    odd = [f"{each.id}: {each.code} {each.detail}" for each in poor if each.code != "budget_exhausted"]
    row.forbid("poor and otherwise ended", odd, len(poor))


def _judge_effects(row: Row, runs: Sequence[str], account: ledger.Account) -> None:
    wanted = [what for run in runs for what in effects(run)]
    row.counts |= {
        "effects expected": len(wanted),
        "effects found": sum(account.keys[what] for what in wanted),
    }
    row.counts["attempts"] = sum(account.attempts[what] for what in wanted)
    row.forbid("effects missing", [what for what in wanted if not account.keys[what]], len(wanted))
    row.forbid("effects repeated", [what for what in wanted if account.keys[what] > 1], len(wanted))
    orders = [what for what in wanted if what.endswith("/order") and account.attempts[what] > 1]
    row.forbid("orders made twice", orders, len(runs))


async def _judge_budgets(row: Row, up: World) -> None:
    """Compare what a team's account was charged with its limit, and with what the model counted."""
    asked = requests(up.requests)
    largest = max(each["tokens"] for each in asked)
    used = Counter[str]()
    for each in asked:
        used[each["of"]] += each["tokens"]
    charged = {
        each.account.removeprefix("run:"): each.tokens for each in await up.client.budgets(limit=1_000)
    }
    poor = [run for run in used if run.startswith("poor")]
    row.at_most("overspent", max(charged.get(run, 0) - POOR_TOKENS for run in poor), largest)
    row.counts["requests"] = sum(each["of"] not in poor for each in asked)
    # What a killed worker was told is counted by the model and in no account.
    unpaid = [
        f"{run}: charged {charged.get(run)}, used {used[run]}"
        for run in used
        if charged.get(run, 0) > used[run]
    ]
    row.forbid("charged more than used", unpaid, len(used))
    apart = [each for each in charged if each not in used]
    row.forbid("accounts of single sessions", apart, len(charged))
