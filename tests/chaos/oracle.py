"""Judge a pass by records made outside Holdfast: nothing may be lost or repeated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast_workflows.contracts.operations.effects import EffectView

from . import ledger
from .driving import Ended
from .histories import Timeline
from .program import LAST_WORD, Program, expected
from .report import Row


def requests(path: Path) -> list[dict[str, Any]]:
    """Read the model's requests, in order."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def judge(
    row: Row,
    runs: Sequence[Program],
    ends: Sequence[Ended],
    account: ledger.Account,
    asked: int,
    decisions: Mapping[str, Sequence[str]],
) -> None:
    """Compare what happened with what was expected."""
    predicted = expected(runs)
    idempotent = [what for run in runs for what in run.effects("idempotent")]
    row.counts["runs"] = len(runs)
    row.forbid(
        "lost", [f"{e.id}: {e.code or e.text!r} {e.detail}" for e in ends if e.text != LAST_WORD], len(ends)
    )
    row.counts["effects expected"] = len(idempotent)
    row.counts["effects found"] = sum(account.keys[what] for what in idempotent)
    row.counts["attempts"] = sum(account.attempts[what] for what in idempotent)
    row.forbid("effects missing", [what for what in idempotent if not account.keys[what]], len(idempotent))
    row.forbid("effects repeated", [what for what in idempotent if account.keys[what] > 1], len(idempotent))
    once = [what for run in runs for what in run.effects("once")]
    row.counts["once expected"] = len(once)
    row.counts["once found"] = sum(account.keys[what] for what in once)
    row.counts["decisions"] = sum(len(decisions.get(what, ())) for what in once)
    row.forbid("once repeated", list(_repeated(once, account, decisions)), len(once))
    row.forbid("once missing", list(_missing(once, account, decisions)), len(once))
    row.counts["requests expected"] = predicted.requests
    row.counts["requests seen"] = asked


def paid_twice(
    asked: Sequence[dict[str, Any]], timelines: Sequence[Timeline], runs: Sequence[Program]
) -> Iterator[str]:
    """List runs with more model requests than their steps and lost workers explain."""
    seen: Counter[str] = Counter(each["run"] for each in asked)
    for run, each in zip(runs, timelines, strict=True):
        allowed = expected([run]).requests + each.lost
        if seen[run.id] > allowed:
            yield f"{run.id}: {seen[run.id]} requests, {allowed} explained"


def unreported(
    cut: Sequence[str], rows: Mapping[str, EffectView], decisions: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """List calls whose answer was lost and that neither a probe nor a person resolved."""
    for what in cut:
        row = rows.get(what)
        if what not in decisions and (row is None or not row.by):
            yield f"{what}: {row.status if row else 'no row'}"


def _repeated(
    once: Sequence[str], account: ledger.Account, decisions: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """List calls repeated without a decision to retry, or under a second key."""
    for what in once:
        allowed = 1 + list(decisions.get(what, ())).count("retry")
        if account.attempts[what] > allowed or account.keys[what] > 1:
            yield f"{what}: {account.attempts[what]} attempts, {allowed} allowed, {account.keys[what]} keys"


def _missing(
    once: Sequence[str], account: ledger.Account, decisions: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for what in once:
        if not account.keys[what] and "give_up" not in decisions.get(what, ()):
            yield what
