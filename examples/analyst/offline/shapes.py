"""The kinds of answer: growth of groups, a ranking, a trend, a spread, or an inventory."""

from __future__ import annotations

from collections.abc import Callable, Generator

from . import growth, moves
from .findings import Findings
from .program import Answer, Ask
from .words import Cell, figure, identifier, label


def run(found: Findings) -> Generator[Ask, list[Answer], None]:
    """Find the answer in the form that fits; where the rows do not bear it out, in a simpler one."""
    choice = found.queries.choice
    order: list[tuple[str, Callable[[Findings], moves.Steps], object]] = [
        ("growth", growth.growth, choice.dimension and choice.time),
        ("ranking", _ranking, choice.dimension),
        ("trend", _trend, choice.time),
        ("spread", _spread, choice.measure),
    ]
    wanted = [name for name, _, _ in order].index(choice.shape)
    for _, shape, possible in order[wanted:]:
        if possible and (yield from shape(found)):
            return
    yield from _inventory(found)


def _ranking(found: Findings) -> moves.Steps:
    queries, choice = found.queries, found.queries.choice
    by, what = label(found.queries.dimension.name), moves.measured(found)
    rows = yield from moves.query(found, f"Then the parts: {what} for each {by}.", queries.by_group())
    if not rows:
        return False
    winner, value, count = rows[0]
    place = "lowest" if choice.falling else "highest"
    found.headline = (
        f"By {by}, {what} is {place} in {label(winner)}: {figure(value)}, from {figure(count)} rows."
    )
    found.add_table(f"{what.removeprefix('the ').capitalize()} by {by}", [by, "figure", "rows"], rows)
    if len(rows) > 1:
        found.facts.append(f"Next comes {label(rows[1][0])} with {figure(rows[1][1])}.")
    if choice.time:
        yield from moves.query(found, f"Then {label(winner)} over time.", queries.by_period(winner))
    yield from growth.parts(found, winner)
    say = f"{found.headline} I compute the first figures again in another way."
    yield from moves.check(found, say, *((label(row[0]), row[1], queries.at(row[0])) for row in rows[:3]))
    title = f"{what.removeprefix('the ').capitalize()} by {by}"
    yield from moves.draw(found, "bar", title, queries.chart_of_ranking(), by, what.removeprefix("the "))
    return True


def _trend(found: Findings) -> moves.Steps:
    queries = found.queries
    rows = yield from moves.query(found, f"Then {moves.measured(found)} over time.", queries.by_period())
    if len(rows) < 2:
        return False
    first, last = rows[0], rows[-1]
    change = _less(last[1], first[1])
    found.headline = (
        f"{moves.measured(found).capitalize()} went from {figure(first[1])} in {first[0]} to {figure(last[1])} in {last[0]}, "
        f"a change of {figure(change)}."
    )
    top = max(rows, key=lambda row: float(row[1]) if isinstance(row[1], (int, float)) else float("-inf"))
    found.facts.append(f"The highest figure is {figure(top[1])}, in {top[0]}.")
    found.caveats += growth.uneven([], rows)
    yield from growth.when(found, None)
    figures = [
        (f"in {first[0]}", first[1], queries.at(None, first[0])),
        (f"in {last[0]}", last[1], queries.at(None, last[0])),
        (f"highest, in {top[0]}", top[1], queries.at(None, top[0])),
    ]
    yield from moves.check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    title = f"{moves.measured(found).removeprefix('the ').capitalize()} over time"
    yield from moves.draw(found, "line", title, queries.chart_of_periods(), *moves.axes(found))
    return True


def _less(last: Cell, first: Cell) -> Cell:
    return last - first if isinstance(last, (int, float)) and isinstance(first, (int, float)) else None


def _spread(found: Findings) -> moves.Steps:
    queries, measure = found.queries, found.queries.choice.measure
    assert measure is not None
    name = label(measure.name)
    rows = yield from moves.query(
        found, f"There is nothing to compare by, so I look at how {name} is spread.", queries.spread()
    )
    if not rows:
        return False
    total = sum(float(row[3] or 0) * float(row[4] or 0) for row in rows)
    count = sum(float(row[4] or 0) for row in rows)
    mean = total / count
    middle = [row for row in rows if row[0] in (2, 3)] or rows
    found.headline = (
        f"{name} runs from {figure(rows[0][1])} to {figure(rows[-1][2])}; the middle half lies between "
        f"{figure(middle[0][1])} and {figure(middle[-1][2])}, and the average is {figure(mean)}."
    )
    found.add_table(f"Quarters of {name}", ["quarter", "from", "to", "average", "rows"], rows)
    again = queries.again_overall()
    figures: list[tuple[str, Cell, str]] = [
        (f"average of {name}", mean, again[0]),
        (f"rows with {name}", count, again[1]),
        (f"highest {name}", rows[-1][2], again[2]),
    ]
    yield from moves.check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    yield from moves.draw(found, "bar", f"How {name} is spread", queries.histogram(), f"{name}, from", "rows")
    return True


def _inventory(found: Findings) -> moves.Steps:
    """Nothing to compare or add up: what there is."""
    columns = [c for c in found.table.columns if c.kind != "empty"][:20]
    rows: list[list[Cell]] = [[c.name, c.kind, c.distinct, c.missing] for c in found.table.columns[:40]]
    found.headline = (
        f"The file has {figure(found.table.rows)} rows, but no column of figures and none whose values repeat, "
        "so there is nothing to compare or add up; the report lists what it holds."
    )
    found.add_table("Columns", ["column", "holds", "different values", "missing"], rows)
    yield from moves.check(
        found, "I count the rows again.", ("rows", found.table.rows, "SELECT TOTAL(1) FROM data")
    )
    if columns:
        parts = [f"SELECT {_text(c.name)}, COUNT(DISTINCT {identifier(c.name)}) FROM data" for c in columns]
        yield from moves.draw(
            found,
            "bar",
            "Different values by column",
            " UNION ALL ".join(parts),
            "column",
            "different values",
        )
    return True


def _text(name: str) -> str:
    return "'" + label(name).replace("'", "''") + "'"
