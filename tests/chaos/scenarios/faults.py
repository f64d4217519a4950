"""The model fails in three requests of ten, in fifteen ways."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from holdfast.testing import FAULTS
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS

from ..driving import Ended, drive
from ..faulty import AFTER, ends
from ..oracle import requests
from ..processes import Options, World, world
from ..program import ATTEMPTS, STEPS, Program, programs
from ..report import Row

_LATE = 0.1  # share of the requested wait
_TIMER = 1.0
"""Seconds that the server's timer and a busy machine may add."""

_LOOK = 0.5
"""Seconds between two looks at the breakers."""

OpenPeriods = defaultdict[str, list[tuple[float, float]]]
"""By provider: the periods in which its breaker was open or half-open."""

Asked = Mapping[str, Sequence[dict[str, Any]]]


async def run(options: Options) -> Row:
    """Each run ends as documented for its faults, after no more requests than its policy allows."""
    return await _row("faults", options, "")


async def careless(options: Options) -> Row:
    """The same with a client that retries below Temporal."""
    return await _row("faults-careless", options, "client")


def agent(run: Program) -> str:
    """Every other run has a second provider, and a policy that adapts."""
    return ("plain", "chained")[int(run.id.rpartition("-")[2]) % 2]


async def _row(name: str, options: Options, careless: str) -> Row:
    row, runs = Row(name, options), programs(options.seed, options.runs)
    open_periods: OpenPeriods = defaultdict(list)
    async with world(options, script="tests.chaos.faulty:script", careless=careless) as up:
        watching = asyncio.create_task(_watch(up, open_periods))
        found = await drive(up, runs, agent)
        watching.cancel()
        asked: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in requests(up.requests):
            asked[each["run"]].append(each)
    seen = [each for of in asked.values() for each in of]
    row.counts |= {"runs": len(runs), "requests": len(seen)}
    row.counts |= {"faults": sum(1 for each in seen if each["fault"])}
    row.counts["kinds"] = len({each["fault"] for each in seen if each["fault"]})
    row.counts |= {f"ended {code or 'done'}": n for code, n in sorted(Counter(e.code for e in found).items())}
    plain = [end for run, end in zip(runs, found, strict=True) if agent(run) == "plain"]
    row.forbid("not as documented", list(_undocumented(plain, asked)), len(plain))
    row.forbid("ended without a cause", list(causeless(found, asked)), len(found))
    row.forbid("more requests than allowed", list(multiplied(asked)), len(seen))
    _judge_waits(row, asked, open_periods)
    return row


async def _watch(up: World, open_periods: OpenPeriods) -> None:
    """Note when each provider's breaker was seen open, or probed."""
    while True:
        for each in await up.client.breakers():
            if each.state != "closed":
                open_periods[each.name.removeprefix("provider:")].append((each.opened, time.time() + _LOOK))
        await asyncio.sleep(_LOOK)


def _undocumented(found: Sequence[Ended], asked: Asked) -> Iterator[str]:
    """List runs of the plain agent whose end or number of requests is not a documented one."""
    for end in found:
        legal = ends(end.id)
        if not any((each.code, each.requests) == (end.code, len(asked[end.id])) for each in legal):
            kinds = [each["fault"] for each in asked[end.id]]
            yield f"{end.id} ended {end.code or 'done'!r} ({end.detail}) after {kinds}, not in {sorted(legal)}"


def causeless(found: Sequence[Ended], asked: Asked) -> Iterator[str]:
    """List runs whose error is not explained by any of their faults."""
    codes = {fault.name: fault.code for fault in FAULTS}
    for end in found:
        causes = {codes[each["fault"]] for each in asked[end.id] if each["fault"]}
        if "context_too_long" in causes:
            causes.add("loop_detected")  # the prompt leaves results out, and the script asks for them again
        if end.code and end.code not in causes | ({"all_providers_failed"} if causes else set()):
            yield f"{end.id} ended {end.code} ({end.detail}) after {sorted(causes)}"


def multiplied(asked: Asked) -> Iterator[str]:
    """List steps with more requests than attempts × models, plus one for each changed prompt."""
    once_more = {fault.name for fault in FAULTS if fault.ends in ("changed", "returned")}
    cuts = {fault.name for fault in FAULTS if fault.code == "context_too_long"}
    for id, each in asked.items():
        models, more = (1, 0) if agent(Program(id, ())) == "plain" else (2, MORE_ATTEMPTS)
        cut = any(one["fault"] in cuts for one in each)
        for step in range(STEPS + 1):
            faults = [one["fault"] for one in each if one["step"] == step]
            # After a cut the prompt leaves results out, so the script takes several steps for the same one.
            for part in _answered(faults) if cut else [faults]:
                extra = sum(1 for fault in part if fault in once_more)
                if len(part) - extra > (ATTEMPTS + more) * models:
                    yield f"{id} step {step}: {part}"


def _answered(faults: Sequence[str]) -> list[list[str]]:
    """Requests up to each that was answered."""
    parts: list[list[str]] = [[]]
    for fault in faults:
        parts[-1].append(fault)
        if not fault:
            parts.append([])
    return parts


def _judge_waits(row: Row, asked: Asked, open_periods: OpenPeriods) -> None:
    """Record how late the request after a `Retry-After` came.

    The wait applies to all runs, so a wait given to another run delays this one, too.
    Waits during which the provider's breaker opened do not count.
    """
    behind = 0
    late: list[float] = []
    early: list[str] = []
    told = sorted(
        (each["at"], _until(each), each["provider"]) for of in asked.values() for each in of if _until(each)
    )
    for id, each in asked.items():
        for this, following in pairwise(each):
            # Another provider may be asked at once.
            if not _until(this) or this["provider"] != following["provider"]:
                continue
            if following["at"] < _until(this):
                early.append(f"{id}: {this['fault']}, again after {following['at'] - this['at']:.2f} s")
            until = _until(this)
            for at, longer, provider in told:
                # Also one that came while the next request was about to leave.
                leaves = until + _LATE * (until - this["at"]) + _TIMER
                if (
                    provider == this["provider"]
                    and this["at"] < at < min(leaves, following["at"])
                    and until < longer
                ):
                    until = longer
            if any(
                since < following["at"] and this["at"] < to for since, to in open_periods[this["provider"]]
            ):
                behind += 1
                continue
            late.append(following["at"] - until - _LATE * (until - this["at"]))
    row.counts["waits behind an open breaker"] = behind
    row.forbid("too early after Retry-After", early, len(late) + behind)
    row.time("later than Retry-After and a tenth", late, p95=_TIMER)


def _until(asked: Mapping[str, Any]) -> float:
    """Return the time until which the client must wait; 0 without a `Retry-After`."""
    if not asked["fault"].startswith("limited_"):
        return 0.0
    until: float = asked["at"] + AFTER
    # A date has whole seconds.
    return float(math.ceil(until)) if asked["fault"] == "limited_date" else until
