"""Which columns a question is about, by rules: the same words, the likeliest shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .columns import Column, Table
from .words import Cell

How = Literal["AVG", "SUM", "COUNT"]
Period = Literal["", "year", "month", "day"]
Shape = Literal["growth", "ranking", "trend", "spread"]

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GROWTH = re.compile(
    r"\b(gr[eo]w\w*|growth|increas\w+|r[io]se\w*|rising|improv\w+|chang\w+|declin\w+|decreas\w+|f[ae]ll\w*|"
    r"drop\w*|shr[aiu]nk\w*|trend\w*|develop\w*|evol\w+|over time|since|when)\b"
)
_LEVEL = re.compile(
    r"\b(highest|lowest|largest|smallest|biggest|average|mean|total|sum|how many|number of|top|best|worst|"
    r"compare|most|least|more|fewest|common\w*|typical\w*)\b"
)
_FALLING = re.compile(
    r"\b(declin\w+|decreas\w+|f[ae]ll\w*|drop\w*|shr[aiu]nk\w*|lowest|smallest|worst|least|fewest|slowest)\b"
)
_RELATIVE = re.compile(r"\b(percent\w*|relative\w*|proportion\w*|per cent)\b|%")
_AVERAGE = re.compile(r"\b(average|mean|typical\w*|median)\b")
_TOTAL = re.compile(r"\b(total|sum|altogether|overall)\b")
_COUNT = re.compile(r"\b(how many|number of|count|how often|common\w*)\b")
_ASKS_WHICH = re.compile(r"\b(which|what|who|whose|where|by|per|each|compare|between)\b")
# Figures that say nothing when they are added up.
_SHARED = re.compile(
    r"\b(per|rate|ratio|average|avg|mean|median|percent|pct|share|index|score|expectancy|expect|exp|price|age|"
    r"temperature|temp|speed|height|weight|length|width|depth|density|level|grade|rating|gpa|bmi|hp|mpg|cap|percap)\b"
)
_AMOUNT = re.compile(
    r"\b(amount|value|total|sales|revenue|profit|cost|price|quantity|qty|score|cases|units)\b"
)
_ID = re.compile(
    r"\b(id|ids|key|code|nr|no|num|number|index|zip|postcode|phone|lat|lon|latitude|longitude)\b"
)
_MANY = 40
_MAX_GROUPS = 2_000
_LONGEST = 400  # bytes; what is longer is prose, and comes back cut from a query


@dataclass(frozen=True)
class Choice:
    """What is computed. Without a measure rows are counted."""

    shape: Shape
    measure: Column | None
    how: How
    dimension: Column | None
    time: Column | None
    period: Period
    falling: bool
    relative: bool


def choose(question: str, table: Table, named: dict[str, list[Cell]]) -> Choice:
    """Choose columns. ``named`` are values of text columns that the question names."""
    asked = question.lower()
    words = tokens(question)
    time = _best(table.times, words)
    dimension = _dimension(table, asked, words, time, named)
    counted = bool(_COUNT.search(asked)) and not any(_hits(c, words) for c in table.numbers)
    measure = None if counted else _measure(table, words, dimension)
    grows = bool(_GROWTH.search(asked)) or not _LEVEL.search(asked)
    shape: Shape
    if dimension and time and grows:
        shape = "growth"
    elif dimension:
        shape = "ranking"
    elif time:
        shape = "trend"
    else:
        shape = "spread"
    return Choice(
        shape=shape,
        measure=measure,
        how=_how(measure, asked),
        dimension=dimension,
        time=time,
        period=_period(time),
        falling=bool(_FALLING.search(asked)),
        relative=bool(_RELATIVE.search(asked)),
    )


def tokens(text: str) -> list[str]:
    """Words in lower case; joined ones ("lifeExp", "gdp_per_capita") taken apart."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


def _hits(column: Column, words: list[str]) -> int:
    """How well the question's words fit a column's name: 2 for the same word, 1 for a shared beginning."""
    best = 0
    for part in tokens(column.name):
        for word in words:
            if part == word or _stem(part) == _stem(word):
                best += 2
                break
            short, long = sorted((part, word), key=len)
            if len(short) >= 3 and long.startswith(short):
                best += 1
                break
    return best


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _best(columns: tuple[Column, ...], words: list[str]) -> Column | None:
    return max(columns, key=lambda c: _hits(c, words), default=None)


def _spaced(column: Column) -> str:
    return " ".join(tokens(column.name))


def _measure(table: Table, words: list[str], dimension: Column | None) -> Column | None:
    def score(column: Column) -> tuple[int, int, int]:
        serial = column.whole and column.distinct == table.rows and table.rows > 2
        plain = not (
            _ID.search(_spaced(column))
            or (serial and column.most == (table.rows - 1 + _number(column.least)))
        )
        return (_hits(column, words), int(plain), int(bool(_AMOUNT.search(_spaced(column)))))

    usable = [c for c in table.numbers if c is not dimension]
    best = max(usable, key=score, default=None)
    # Serial numbers are not summed unless the question asks for it.
    return None if best is None or score(best)[:2] == (0, 0) else best


def _number(value: Cell) -> float:
    return value if isinstance(value, (int, float)) else 0.0


def _dimension(
    table: Table, asked: str, words: list[str], time: Column | None, named: dict[str, list[Cell]]
) -> Column | None:
    texts = [c for c in table.texts if 2 <= c.distinct <= _MAX_GROUPS and c.distinct < table.rows]
    texts = [c for c in texts if c.longest <= _LONGEST]
    texts = [c for c in texts if len(named.get(c.name, ())) != 1]
    for column in texts:
        if column.name in named:
            return column
    groups = [
        *texts,
        *(c for c in table.numbers if c.whole and 2 <= c.distinct <= 12 and _hits(c, words) >= 2),
    ]
    best = max(groups, key=lambda c: _hits(c, words), default=None)
    if best is not None and _hits(best, words):
        return best
    if time and _GROWTH.search(asked) and not _ASKS_WHICH.search(asked):
        return None
    few = [c for c in texts if c.distinct <= _MANY]
    return few[0] if few else min(texts, key=lambda c: c.distinct, default=None)


def _how(measure: Column | None, asked: str) -> How:
    if measure is None:
        return "COUNT"
    if _AVERAGE.search(asked):
        return "AVG"
    if _TOTAL.search(asked):
        return "SUM"
    name = _spaced(measure)
    adds_up = measure.least is not None and _number(measure.least) >= 0 and not _SHARED.search(name)
    return "SUM" if adds_up else "AVG"


def _period(time: Column | None) -> Period:
    """Periods so long that there are at least a few and not hundreds."""
    if time is None or time.kind == "year":
        return ""
    first, last = str(time.least), str(time.most)
    months = (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])
    return "year" if months > 36 else "month" if months > 2 else "day"


def is_question_word(words: str, table: Table) -> bool:
    """Whether words that stand in the rows are more likely meant as part of the question."""
    patterns = (_GROWTH, _LEVEL, _FALLING, _RELATIVE, _COUNT, _ASKS_WHICH)
    parts = {_stem(part) for column in table.columns for part in tokens(column.name)}
    return any(p.fullmatch(words) for p in patterns) or all(_stem(w) in parts for w in tokens(words))
