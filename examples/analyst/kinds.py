"""The type of a column: numbers, dates or text, inferred from all of its cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Literal

Value = int | float | str | None
Kind = Literal["number", "date", "text", "empty"]

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "?", "..", "#n/a"})
_LONGEST = 40
_SIGN = r"[+-]?[$€£]?\s?[+-]?"
_POINT = re.compile(_SIGN + r"(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?\s?%?")
_COMMA = re.compile(_SIGN + r"(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d{1,3})?\s?%?")
_CODE = re.compile(r"[+-]?0\d")
_NOT_NUMERIC = str.maketrans("", "", "$€£% ")
_CLOCK = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?" + _CLOCK)
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})" + _CLOCK)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?[ -](?:(\d{1,2}),?[ -])?(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.?[ -]([A-Za-z]{3,9})\.?[ -](\d{4}|\d{2})")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}


def _number(text: str, shape: re.Pattern[str], thousands: str, point: str) -> int | float | None:
    if len(text) > _LONGEST or not shape.fullmatch(text) or _CODE.match(text):
        return None  # what begins with 0 is a code, such as a postcode
    plain = text.replace(thousands, "").replace(point, ".").translate(_NOT_NUMERIC)
    try:
        whole = int(plain)
        return whole if abs(whole) < 2**63 else float(whole)
    except ValueError:
        pass
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _with_point(text: str) -> int | float | None:
    return _number(text, _POINT, ",", ".")


def _with_comma(text: str) -> int | float | None:
    return _number(text, _COMMA, ".", ",")


def _moment(year: str, month: str | int, day: str | None, clock: tuple[str | None, ...] = ()) -> str | None:
    """The date as SQLite's functions read it; None if the day does not exist."""
    century = "" if len(year) == 4 else "20" if int(year) < 69 else "19"
    hours, minutes, seconds = (int(part or 0) for part in (*clock, None, None, None)[:3])
    try:
        moment = datetime(int(century + year), int(month), int(day or 1), hours, minutes, seconds)  # noqa: DTZ001 -- as in the file
    except ValueError:
        return None
    # Not by strftime, which omits the leading zeros of early years.
    return moment.isoformat(" ") if clock and clock[0] else moment.date().isoformat()


@lru_cache(65_536)
def _iso(text: str) -> str | None:
    found = _YEAR_FIRST.fullmatch(text)
    return _moment(found[1], found[2], found[3], found.groups()[3:]) if found else None


@lru_cache(65_536)
def _month_day_year(text: str) -> str | None:
    found = _YEAR_LAST.fullmatch(text)
    return _moment(found[3], found[1], found[2], found.groups()[3:]) if found else None


@lru_cache(65_536)
def _day_month_year(text: str) -> str | None:
    found = _YEAR_LAST.fullmatch(text)
    return _moment(found[3], found[2], found[1], found.groups()[3:]) if found else None


@lru_cache(65_536)
def _named_month(text: str) -> str | None:
    if found := _MONTH_FIRST.fullmatch(text):
        name, day, year = found[1], found[2], found[3]
    elif found := _DAY_FIRST.fullmatch(text):
        name, day, year = found[2], found[1], found[3]
    else:
        return None
    month = _MONTHS.get(name[:3].lower())
    return _moment(year, month, day) if month else None


Parser = Callable[[str], int | float | str | None]
_PARSERS: tuple[Parser, ...] = (
    _with_point,
    _with_comma,
    _iso,
    _day_month_year,
    _month_day_year,
    _named_month,
)


class Column:
    """A column whose cells are shown to it one by one; then it knows what they are."""

    def __init__(self, *, decimal_comma: bool) -> None:
        """A column not seen yet. ``decimal_comma``: where "1,234" could be either, it is 1.234."""
        self._open = [_with_comma, *_PARSERS] if decimal_comma else list(_PARSERS)
        self._filled = False
        self._typed = False

    def see(self, cell: str) -> None:
        """Take one cell into account."""
        text = cell.strip()
        self._filled = self._filled or bool(text)
        if not self._open or text.lower() in _MISSING:
            return
        self._typed = True
        self._open = [parse for parse in self._open if parse(text) is not None]

    @property
    def kind(self) -> Kind:
        """What the cells seen are."""
        if not self._filled:
            return "empty"
        if not self._open or not self._typed:
            return "text"
        return "number" if self._open[0] in (_with_point, _with_comma) else "date"

    def value(self, cell: str) -> Value:
        """A cell as it is stored: None if it is missing."""
        text = cell.strip()
        if self.kind == "text":
            return text or None
        return None if text.lower() in _MISSING or not self._open else self._open[0](text)
