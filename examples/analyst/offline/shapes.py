"""The kinds of answer: growth of groups, a ranking, a trend, a spread, or an inventory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from .choose import Choice
from .columns import Column
from .findings import Check, Findings
from .program import Answer, Ask, ask
from .queries import TOP
from .words import Cell, figure, identifier, label

Steps = Generator[Ask, list[Answer], bool]
Rows = Generator[Ask, list[Answer], list[list[Cell]]]
_MAX_LINES = 6
_MAX_PARTS = 2_000


def run(found: Findings) -> Generator[Ask, list[Answer], None]:
    """Find the answer in the form that fits; where the rows do not bear it out, in a simpler one."""
    choice = found.queries.choice
    order: list[tuple[str, Callable[[Findings], Steps], object]] = [
        ("growth", _growth, choice.dimension and choice.time),
        ("ranking", _ranking, choice.dimension),
        ("trend", _trend, choice.time),
        ("spread", _spread, choice.measure),
    ]
    wanted = [name for name, _, _ in order].index(choice.shape)
    for _, shape, possible in order[wanted:]:
        if possible and (yield from shape(found)):
            return
    yield from _inventory(found)


def measured(found: Findings) -> str:
    """The figure in words."""
    choice = found.queries.choice
    if choice.measure is None:
        return "the number of rows"
    return f"the {'average' if choice.how == 'AVG' else 'total'} {label(choice.measure.name)}"


def _query(found: Findings, say: str, sql: str) -> Rows:
    (answer,) = yield from ask(say, ("run_sql", {"query": sql}))
    found.ran.append(sql)
    if not answer.data:
        found.caveats.append(f"One query did not work: {label(answer.text)}")
    return answer.rows


def _check(found: Findings, say: str, *figures: tuple[str, Cell, str]) -> Generator[Ask, list[Answer], None]:
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


def _draw(
    found: Findings, kind: str, title: str, sql: str, x: str, y: str
) -> Generator[Ask, list[Answer], None]:
    arguments = {"kind": kind, "title": title[:200], "query": sql, "x_label": x, "y_label": y}
    (answer,) = yield from ask("Now the chart.", ("draw_chart", arguments))
    if file := answer.data.get("file"):
        found.charts.append((title, str(file)))
    else:
        found.caveats.append(f"There is no chart: {label(answer.text)}")


def _dimension(choice: Choice) -> Column:
    assert choice.dimension is not None
    return choice.dimension


def _growth(found: Findings) -> Steps:
    queries, choice = found.queries, found.queries.choice
    by, what = label(_dimension(choice).name), measured(found)
    levels = yield from _query(found, f"Then the parts: {what} for each {by}.", queries.by_group())
    periods = yield from _query(found, "Then the whole over time.", queries.by_period())
    rows = yield from _query(found, f"Now the first and the last figure of each {by}.", queries.growth())
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
    found.caveats += _uneven(rows, periods)
    yield from _when(found, winner)
    yield from _parts(found, winner)
    figures = [
        (f"{label(winner)}, {since}", before, queries.at(winner, since)),
        (f"{label(winner)}, {until}", after, queries.at(winner, until)),
        (f"{label(winner)}, {until} less {since}", change, queries.change(winner, since, until)),
    ]
    yield from _check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    lines = [row[0] for row in rows[:_MAX_LINES]]
    title = f"{what.removeprefix('the ').capitalize()} by {by}"
    yield from _draw(found, "line", title, queries.chart_of_groups(lines), *_axes(found))
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


def _uneven(rows: list[list[Cell]], periods: list[list[Cell]]) -> list[str]:
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


def _when(found: Findings, winner: Cell) -> Generator[Ask, list[Answer], None]:
    """The period in which the winner, or the whole, changed most."""
    queries, falling = found.queries, found.queries.choice.falling
    who = "the whole" if winner is None else label(winner)
    steps = yield from _query(
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
    yield from _check(
        found,
        f"The largest step was from {before} to {period}. I check it.",
        (claim, change, queries.change(winner, before, period)),
    )


def _ends(rows: list[list[Cell]]) -> list[list[Cell]]:
    return rows if len(rows) <= 24 else [*rows[:12], *rows[-12:]]


def _parts(found: Findings, winner: Cell) -> Generator[Ask, list[Answer], None]:
    """What stands behind the winner: the finer column of text, if there is one."""
    dimension = _dimension(found.queries.choice)
    finer = [
        c
        for c in found.table.texts
        if dimension.distinct < c.distinct <= _MAX_PARTS and c.distinct < found.table.rows
    ]
    if not finer:
        return
    part = min(finer, key=lambda c: c.distinct)
    say = f"Is {label(winner)} all of one kind? I look at {label(part.name)} within it."
    rows = yield from _query(found, say, found.queries.within(winner, part))
    if len(rows) > 1:
        found.facts.append(
            f"Within {label(winner)} the highest figures over all periods are those of "
            f"{', '.join(f'{label(row[0])} ({figure(row[1])})' for row in rows[:3])}."
        )


def _ranking(found: Findings) -> Steps:
    queries, choice = found.queries, found.queries.choice
    by, what = label(_dimension(choice).name), measured(found)
    rows = yield from _query(found, f"Then the parts: {what} for each {by}.", queries.by_group())
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
        yield from _query(found, f"Then {label(winner)} over time.", queries.by_period(winner))
    yield from _parts(found, winner)
    say = f"{found.headline} I compute the first figures again in another way."
    yield from _check(found, say, *((label(row[0]), row[1], queries.at(row[0])) for row in rows[:3]))
    title = f"{what.removeprefix('the ').capitalize()} by {by}"
    yield from _draw(found, "bar", title, queries.chart_of_ranking(), by, what.removeprefix("the "))
    return True


def _trend(found: Findings) -> Steps:
    queries = found.queries
    rows = yield from _query(found, f"Then {measured(found)} over time.", queries.by_period())
    if len(rows) < 2:
        return False
    first, last = rows[0], rows[-1]
    change = _less(last[1], first[1])
    found.headline = (
        f"{measured(found).capitalize()} went from {figure(first[1])} in {first[0]} to {figure(last[1])} in {last[0]}, "
        f"a change of {figure(change)}."
    )
    top = max(rows, key=lambda row: float(row[1]) if isinstance(row[1], (int, float)) else float("-inf"))
    found.facts.append(f"The highest figure is {figure(top[1])}, in {top[0]}.")
    found.caveats += _uneven([], rows)
    yield from _when(found, None)
    figures = [
        (f"in {first[0]}", first[1], queries.at(None, first[0])),
        (f"in {last[0]}", last[1], queries.at(None, last[0])),
        (f"highest, in {top[0]}", top[1], queries.at(None, top[0])),
    ]
    yield from _check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    title = f"{measured(found).removeprefix('the ').capitalize()} over time"
    yield from _draw(found, "line", title, queries.chart_of_periods(), *_axes(found))
    return True


def _axes(found: Findings) -> tuple[str, str]:
    time = found.queries.choice.time
    return label(time.name) if time else "", measured(found).removeprefix("the ")


def _less(last: Cell, first: Cell) -> Cell:
    return last - first if isinstance(last, (int, float)) and isinstance(first, (int, float)) else None


def _spread(found: Findings) -> Steps:
    queries, measure = found.queries, found.queries.choice.measure
    assert measure is not None
    name = label(measure.name)
    rows = yield from _query(
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
    yield from _check(found, f"{found.headline} I compute these figures again in another way.", *figures)
    yield from _draw(found, "bar", f"How {name} is spread", queries.histogram(), f"{name}, from", "rows")
    return True


def _inventory(found: Findings) -> Steps:
    """Nothing to compare or add up: what there is."""
    columns = [c for c in found.table.columns if c.kind != "empty"][:20]
    rows: list[list[Cell]] = [[c.name, c.kind, c.distinct, c.missing] for c in found.table.columns[:40]]
    found.headline = (
        f"The file has {figure(found.table.rows)} rows, but no column of figures and none whose values repeat, "
        "so there is nothing to compare or add up; the report lists what it holds."
    )
    found.add_table("Columns", ["column", "holds", "different values", "missing"], rows)
    yield from _check(
        found, "I count the rows again.", ("rows", found.table.rows, "SELECT TOTAL(1) FROM data")
    )
    if columns:
        parts = [f"SELECT {_text(c.name)}, COUNT(DISTINCT {identifier(c.name)}) FROM data" for c in columns]
        yield from _draw(
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
