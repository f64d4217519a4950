"""The judgement of a pass in which nothing may be lost or repeated, from what outsiders saw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import ledger
from .driving import Ended
from .histories import Told
from .program import LAST_WORD, Program, expected
from .report import Row


def requests(path: Path) -> list[dict[str, Any]]:
    """What the model was asked, in order."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def judge(
    row: Row, runs: Sequence[Program], ends: Sequence[Ended], account: ledger.Account, asked: int
) -> None:
    """Compare what happened with what was predicted."""
    predicted = expected(runs)
    idempotent = [what for run in runs for what in run.effects("idempotent")]
    row.counts["runs"] = len(runs)
    row.forbid("lost", [f"{e.id}: {e.code or e.text!r} {e.detail}" for e in ends if e.text != LAST_WORD], len(ends))
    row.counts["effects expected"] = len(idempotent)
    row.counts["effects found"] = sum(account.keys[what] for what in idempotent)
    row.counts["attempts"] = sum(account.attempts[what] for what in idempotent)
    row.forbid("effects missing", [what for what in idempotent if not account.keys[what]], len(idempotent))
    row.forbid("effects repeated", [what for what in idempotent if account.keys[what] > 1], len(idempotent))
    row.counts["requests expected"] = predicted.requests
    row.counts["requests seen"] = asked


def paid_twice(asked: Sequence[dict[str, Any]], told: Sequence[Told], runs: Sequence[Program]) -> Iterator[str]:
    """Runs whose model was asked more often than their steps and lost workers explain."""
    seen: Counter[str] = Counter(each["run"] for each in asked)
    for run, each in zip(runs, told, strict=True):
        allowed = expected([run]).requests + each.lost
        if seen[run.id] > allowed:
            yield f"{run.id}: {seen[run.id]} requests, {allowed} explained"
