"""How much each group grew, which grew most, and when."""

from __future__ import annotations

from collections.abc import Generator

from . import moves
from .findings import Findings
from .program import Answer, Ask
from .queries import TOP
from .words import Cell, figure, label

_MAX_LINES = 6
_MAX_PARTS = 2_000


def growth(found: Findings) -> moves.Steps:
    queries, choice = found.queries, found.queries.choice
    by, what = label(found.queries.dimension.name), moves.measured(found)
    levels = yield from moves.query(found, f"Then the parts: {what} for each {by}.", queries.by_group())
    periods = yield from moves.query(found, "Then the whole over time.", queries.by_period())
    rows = yield from moves.query(found, f"Now the first and the last figure of each {by}.", queries.growth())
    if not rows:
        return False
    winner, since, before, until, after, change, percent = rows[0]
    way = _way(change, falling=choice.falling)
    share = "" if percent is None else f" ({figure(percent)} %)"
    found.headline = (
        f"By {by}, {what} {way} in {label(winner)}: from {figure(before)} in {since} to {figure(after)} in {until}, "
        f"a change of {figure(change)}{share}."
    )
    found.add_table(
        f"First and last figure by {by}", [by, "since", "first", "until", "last", "change", "%"], _texts(rows)
    )
    found.add_table(f"All rows together by {by}", [by, "figure", "rows"], levels)
    found.facts += _also(rows, by, relative=choice.relative)
    found.caveats += uneven(rows, periods)
    yield from when(found, winner)
    yield from parts(found, winner)
    figures = [
        (f"{label(winner)}, {since}", before, queries.at(winner, since)),
        (f"{label(winner)}, {until}", after, queries.at(winner, until)),
        (f"{label(winner)}, {until} less {since}", change, queries.change(winner, since, until)),
    ]
    yield from moves.check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    lines = [row[0] for row in rows[:_MAX_LINES]]
    title = f"{what.removeprefix('the ').capitalize()} by {by}"
    yield from moves.draw(found, "line", title, queries.chart_of_groups(lines), *moves.axes(found))
    return True


def _way(change: Cell, *, falling: bool) -> str:
    grew = isinstance(change, (int, float)) and change >= 0
    if falling:
        return "grew least" if grew else "fell most"
    return "grew most" if grew else "fell least"


def _texts(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Periods as text, so that a year is not written as 1,952."""
    return [[str(c) if i in (1, 3) else c for i, c in enumerate(row)] for row in rows]


def _also(rows: list[list[Cell]], by: str, *, relative: bool) -> list[str]:
    facts: list[str] = []
    shares = [row for row in rows if isinstance(row[6], (int, float))]
    if shares and not relative:
        top = max(shares, key=lambda row: float(row[6] or 0))
        if top[0] != rows[0][0]:
            facts.append(f"In percent, {label(top[0])} grew most of those shown: {figure(top[6])} %.")
    if len(rows) > 1:
        facts.append(
            f"Next comes {label(rows[1][0])} with {figure(rows[1][5])}, last shown {label(rows[-1][0])} with {figure(rows[-1][5])}."
        )
    if len(rows) == TOP:
        facts.append(f"Only the first {TOP} values of {by} are shown.")
    return facts


def uneven(rows: list[list[Cell]], periods: list[list[Cell]]) -> list[str]:
    caveats: list[str] = []
    if len({(row[1], row[3]) for row in rows}) > 1:
        caveats.append(
            "The groups do not all begin and end in the same period, so their changes span different times."
        )
    counts = [float(row[2]) for row in periods if isinstance(row[2], (int, float))]
    if counts and max(counts) > 2 * min(counts):
        caveats.append(
            f"The periods have from {figure(min(counts))} to {figure(max(counts))} rows; the first and last may be incomplete."
        )
    return caveats


def when(found: Findings, winner: Cell) -> Generator[Ask, list[Answer], None]:
    """The period in which the winner, or the whole, changed most."""
    queries, falling = found.queries, found.queries.choice.falling
    who = "the whole" if winner is None else label(winner)
    steps = yield from moves.query(
        found, f"When was it? I follow {who} period by period.", queries.by_period(winner)
    )
    moved = [row for row in steps if isinstance(row[3], (int, float))]
    if not moved:
        return
    pick = min if falling else max
    period, _, _, change, before = pick(moved, key=lambda row: float(row[3] or 0))
    found.headline += f" It {_way(change, falling=falling)} between {before} and {period}: {figure(change)}."
    found.add_table(
        f"Period by period: {who}",
        ["period", "figure", "rows", "change"],
        [[str(row[0]), *row[1:4]] for row in _ends(steps)],
    )
    claim = f"{who}, {period} less {before}"
    yield from moves.check(
        found,
        f"The largest step was from {before} to {period}. I check it.",
        (claim, change, queries.change(winner, before, period)),
    )


def _ends(rows: list[list[Cell]]) -> list[list[Cell]]:
    return rows if len(rows) <= 24 else [*rows[:12], *rows[-12:]]


def parts(found: Findings, winner: Cell) -> Generator[Ask, list[Answer], None]:
    """What stands behind the winner: the finer column of text, if there is one."""
    dimension = found.queries.dimension
    finer = [
        c
        for c in found.table.texts
        if dimension.distinct < c.distinct <= _MAX_PARTS and c.distinct < found.table.rows
    ]
    if not finer:
        return
    part = min(finer, key=lambda c: c.distinct)
    say = f"Is {label(winner)} all of one kind? I look at {label(part.name)} within it."
    rows = yield from moves.query(found, say, found.queries.within(winner, part))
    if len(rows) > 1:
        found.facts.append(
            f"Within {label(winner)} the highest figures over all periods are those of "
            f"{', '.join(f'{label(row[0])} ({figure(row[1])})' for row in rows[:3])}."
        )
