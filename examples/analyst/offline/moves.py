"""The moves of every analysis: a query, a check, a chart."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from .findings import Check, Findings
from .program import Answer, Ask, ask
from .words import Cell, label

Steps = Generator[Ask, list[Answer], bool]
"""Steps that say at their end whether they led to an answer."""

Rows = Generator[Ask, list[Answer], list[list[Cell]]]


def measured(found: Findings) -> str:
    """The figure in words."""
    choice = found.queries.choice
    if choice.measure is None:
        return "the number of rows"
    return f"the {'average' if choice.how == 'AVG' else 'total'} {label(choice.measure.name)}"


def query(found: Findings, say: str, sql: str) -> Rows:
    (answer,) = yield from ask(say, ("run_sql", {"query": sql}))
    found.ran.append(sql)
    if not answer.data:
        found.caveats.append(f"One query did not work: {label(answer.text)}")
    return answer.rows


def check(found: Findings, say: str, *figures: tuple[str, Cell, str]) -> Generator[Ask, list[Answer], None]:
    calls: list[tuple[str, Mapping[str, Any]]] = [
        ("check_number", {"claim": claim[:200], "value": value, "query": sql})
        for claim, value, sql in figures
        if value is not None
    ]
    if not calls:
        return
    answers = yield from ask(say, *calls)
    for (_, given), answer in zip(calls, answers, strict=True):
        again, matches = answer.data.get("found"), bool(answer.data.get("matches"))
        found.checks.append(Check(given["claim"], given["value"], again, matches))


def draw(
    found: Findings, kind: str, title: str, sql: str, x: str, y: str
) -> Generator[Ask, list[Answer], None]:
    arguments = {"kind": kind, "title": title[:200], "query": sql, "x_label": x, "y_label": y}
    (answer,) = yield from ask("Now the chart.", ("draw_chart", arguments))
    if file := answer.data.get("file"):
        found.charts.append((title, str(file)))
    else:
        found.caveats.append(f"There is no chart: {label(answer.text)}")


def axes(found: Findings) -> tuple[str, str]:
    time = found.queries.choice.time
    return label(time.name) if time else "", measured(found).removeprefix("the ")
