"""Parse times in English text, such as "in May 2023", "last week" or "two days ago", into spans of seconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY = timedelta(days=1)
_MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
_BEFORE_A_MONTH = frozenset({"in", "last", "since", "during", "by", "until", "this", "early", "late", "mid"})
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_NUMBERS = {
    "zero": 0, "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "several": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip

_MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS) + "|sept)"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(rf"\b({_YEAR})-(\d\d)-(\d\d)\b")
_DAY_FIRST = re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b\.?(?:,? ({_YEAR})\b)?")
_MONTH_FIRST = re.compile(rf"\b({_MONTH})\b\.? (?:the )?(\d\d?)(?:st|nd|rd|th)?\b(?!\d)(?:,? ({_YEAR})\b)?")
_MONTH_ONLY = re.compile(rf"\b({_MONTH})\b\.?(?:,? (?:of )?({_YEAR})\b)?")
_YEAR_ONLY = re.compile(rf"\b({_YEAR})\b")
_NAMED_DAY = re.compile(
    r"\b(day before yesterday|yesterday|last night|today|tonight|this morning|tomorrow)\b"
)
_LAST_UNIT = re.compile(r"\b(last|past|previous|this|next) (week|weekend|month|year)\b")
_AGO = re.compile(
    r"\b(\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|couple|few|several)"
    r"(?: of)? (day|week|month|year)s? (?:ago|back|earlier)\b"
)
_PAST_FEW = re.compile(
    r"\b(?:last|past|previous) (\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|couple|few|several)"
    r"(?: of)? (day|week|month|year)s\b"
)
_WEEKDAY = re.compile(rf"\b(?:(last|this|next|on) )?({'|'.join(_WEEKDAYS)})\b")
_SEASON = re.compile(
    rf"\b(?:(last|this|next|in|the) )(?:the )?({'|'.join(_SEASONS)})\b(?:(?: of)? ({_YEAR})\b)?"
)
_RECENTLY = re.compile(r"\b(recently|lately|these days|the other day|just now)\b")
# All patterns in one, for speed: it runs on every candidate.
_TELLING = re.compile(
    "|".join(
        f"(?:{pattern.pattern})"
        for pattern in (
            _DATE,
            _DAY_FIRST,
            _MONTH_FIRST,
            _SEASON,
            _MONTH_ONLY,
            _AGO,
            _PAST_FEW,
            _LAST_UNIT,
            _NAMED_DAY,
            _WEEKDAY,
            _YEAR_ONLY,
            _RECENTLY,
        )
    )
)
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "weekend": 7.0, "month": 30.44, "year": 365.25}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, ``start <= t < end`` in seconds since 1970, UTC."""

    start: float
    end: float


def spans(text: str, now: float) -> list[Span]:
    """Return the times that a text names, relative ones seen from ``now``.

    A month or season without a year is the latest that has begun by ``now``.
    """
    return read(text, now)[0]


def read(text: str, now: float) -> tuple[list[Span], str]:
    """Return the times that a text names, and the text without them, in lower case."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    text = text.lower()
    found: list[Span] = []
    for pattern, reader in _READERS:
        # Matches are removed before coarser patterns run: "May 2023" is not all of 2023.
        rest: list[str] = []
        last = 0
        for match in pattern.finditer(text):
            span = _span(reader, match, today)
            if span is None:
                continue
            found.append(span)
            rest += [text[last : match.start()], " | "]
            last = match.end()
        text = "".join([*rest, text[last:]])
    return found, text


def tells_time(text: str) -> bool:
    """Whether a text names a time, as an answer to "when" does."""
    return bool(_TELLING.search(text.lower()))


def nearness(at: float, span: Span) -> float:
    """Score how well a time fits a span: 1 inside, falling to 0 at half its length (at least 3 days) outside."""
    if span.start <= at < span.end:
        return 1.0
    slack = max(3 * 86_400.0, (span.end - span.start) / 2)
    away = span.start - at if at < span.start else at - span.end
    return max(0.0, 1.0 - away / slack)


def _span(reader: "_Reader", match: re.Match[str], today: datetime) -> Span | None:
    try:
        pair = reader(match, today)
    except (ValueError, OverflowError):
        return None  # such as February 30th, or a hundred thousand years ago
    return Span(pair[0].timestamp(), pair[1].timestamp()) if pair else None


_Pair = tuple[datetime, datetime]
_Reader = Callable[[re.Match[str], datetime], _Pair | None]


def _date(match: re.Match[str], _: datetime) -> _Pair:
    day = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
    return day, day + _DAY


def _day_first(match: re.Match[str], today: datetime) -> _Pair:
    return _day_of_month(int(match[1]), match[2], match[3], today)


def _month_first(match: re.Match[str], today: datetime) -> _Pair:
    return _day_of_month(int(match[2]), match[1], match[3], today)


def _day_of_month(day: int, month: str, year: str | None, today: datetime) -> _Pair:
    start = datetime(int(year) if year else today.year, _month_number(month), day, tzinfo=UTC)
    if not year and start > today:
        start = start.replace(year=start.year - 1)
    return start, start + _DAY


def _month_only(match: re.Match[str], today: datetime) -> _Pair | None:
    if match[1] in ("may", "mar", "march") and not match[2] and not _stands_for_a_month(match):
        return None
    start = datetime(int(match[2]) if match[2] else today.year, _month_number(match[1]), 1, tzinfo=UTC)
    if not match[2] and start > today:
        start = start.replace(year=start.year - 1)
    return start, _later(start, 1)


def _stands_for_a_month(match: re.Match[str]) -> bool:
    """Whether the word before "may" or "march" indicates a month: "in may", but not "you may"."""
    before = match.string[: match.start()].split()[-1:]
    return bool(before) and before[0] in _BEFORE_A_MONTH


def _year_only(match: re.Match[str], _: datetime) -> _Pair:
    start = datetime(int(match[1]), 1, 1, tzinfo=UTC)
    return start, _later(start, 12)


def _named_day(match: re.Match[str], today: datetime) -> _Pair:
    shift = {"day before yesterday": -2, "yesterday": -1, "last night": -1, "tomorrow": 1}.get(match[1], 0)
    start = today + shift * _DAY
    return start, start + _DAY


def _last_unit(match: re.Match[str], today: datetime) -> _Pair:
    shift = {"this": 0, "next": 1}.get(match[1], -1)
    unit = match[2]
    if unit == "month":
        start = _later(today.replace(day=1), shift)
        return start, _later(start, 1)
    if unit == "year":
        start = today.replace(month=1, day=1, year=today.year + shift)
        return start, _later(start, 12)
    monday = today - today.weekday() * _DAY
    if unit == "week":
        return monday + 7 * shift * _DAY, monday + 7 * (shift + 1) * _DAY
    saturday = monday + (5 + 7 * shift) * _DAY
    return saturday, saturday + 2 * _DAY


def _ago(match: re.Match[str], today: datetime) -> _Pair:
    unit = timedelta(days=_UNIT_DAYS[match[2]])
    # "Three weeks ago" is approximate.
    middle, about = today - _number(match[1]) * unit, unit / 2
    start = middle - about + _DAY / 2
    return start, start + 2 * about


def _past_few(match: re.Match[str], today: datetime) -> _Pair:
    return today - _number(match[1]) * timedelta(days=_UNIT_DAYS[match[2]]), today + _DAY


def _weekday(match: re.Match[str], today: datetime) -> _Pair:
    ahead = (_WEEKDAYS.index(match[2]) - today.weekday()) % 7
    back = ahead - 7 if match[1] not in ("this", "next") else ahead
    start = today + back * _DAY
    return start, start + _DAY


def _season(match: re.Match[str], today: datetime) -> _Pair:
    start = datetime(int(match[3]) if match[3] else today.year, _SEASONS[match[2]], 1, tzinfo=UTC)
    if not match[3] and match[1] != "next" and start > today:
        start = start.replace(year=start.year - 1)
    return start, _later(start, 3)


def _later(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text]


# From the most precise to the coarsest.
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_DATE, _date),
    (_DAY_FIRST, _day_first),
    (_MONTH_FIRST, _month_first),
    (_SEASON, _season),
    (_MONTH_ONLY, _month_only),
    (_AGO, _ago),
    (_PAST_FEW, _past_few),
    (_LAST_UNIT, _last_unit),
    (_NAMED_DAY, _named_day),
    (_WEEKDAY, _weekday),
    (_YEAR_ONLY, _year_only),
)
