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
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "several": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
_NAMED_DAYS = {
    "day before yesterday": -2, "yesterday": -1, "last night": -1, "today": 0, "tonight": 0, "this morning": 0,
    "tomorrow": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, ``start <= t < end`` in seconds since 1970, UTC."""

    start: float
    end: float


def extract(text: str, now: float) -> tuple[list[Span], str]:
    """Return the times that a text names, seen from ``now``, and the rest of the text in lower case.

    A month or season without a year is the latest that has begun by ``now``.
    """
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Span] = []
    text = text.lower()
    for pattern, reader in _FORMS.items():

        def cut(match: re.Match[str], reader: _Reader = reader) -> str:
            try:
                times = reader(match, today)
            except (ValueError, OverflowError):
                times = None  # such as February 30th, or a hundred thousand years ago
            if times is None:
                return match[0]
            found.append(Span(times[0].timestamp(), times[1].timestamp()))
            return " | "

        # Matches are removed before coarser forms are tried: "May 2023" is not all of 2023.
        text = pattern.sub(cut, text)
    return found, text


def names_a_time(text: str) -> bool:
    """Whether a text names a time, as an answer to "when" does."""
    return bool(_ANY_FORM.search(text.lower()))


def nearness(at: float, span: Span) -> float:
    """Score how well a time fits a span: 1 inside, falling to 0 at half its length (at least 3 days) outside."""
    if span.start <= at < span.end:
        return 1.0
    slack = max(3 * 86_400.0, (span.end - span.start) / 2)
    return max(0.0, 1.0 - (span.start - at if at < span.start else at - span.end) / slack)


_Reader = Callable[[re.Match[str], datetime], tuple[datetime, datetime] | None]


def _iso_date(match: re.Match[str], _: datetime) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(match[0]).replace(tzinfo=UTC)
    return start, start + _DAY


def _day(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    day, month = (match[1], match[2]) if match[1].isdigit() else (match[2], match[1])
    start = _start(match[3], _month_number(month), int(day), today)
    return start, start + _DAY


def _month(match: re.Match[str], today: datetime) -> tuple[datetime, datetime] | None:
    # "In may" is a month, "you may" is not.
    if (
        match[1] in ("may", "mar", "march")
        and not match[2]
        and not _MONTH_FOLLOWS.search(match.string, 0, match.start())
    ):
        return None
    start = _start(match[2], _month_number(match[1]), 1, today)
    return start, _later(start, 1)


def _season(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    year = match[3] or (str(today.year) if match[1] == "next" else "")
    start = _start(year, _SEASONS[match[2]], 1, today)
    return start, _later(start, 3)


def _year(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    start = _start(match[1], 1, 1, today)
    return start, _later(start, 12)


def _ago(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    # "Three weeks ago" is approximate.
    unit = timedelta(days=_UNIT_DAYS[match[2]])
    start = today - _number(match[1]) * unit - unit / 2 + _DAY / 2
    return start, start + unit


def _past_few(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    return today - _number(match[1]) * timedelta(days=_UNIT_DAYS[match[2]]), today + _DAY


def _calendar_unit(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    shift = {"this": 0, "next": 1}.get(match[1], -1)
    if match[2] in ("month", "year"):
        months, month = (1, today.month) if match[2] == "month" else (12, 1)
        first = today.replace(month=month, day=1)
        return _later(first, shift * months), _later(first, (shift + 1) * months)
    weekday, days = (5, 2) if match[2] == "weekend" else (0, 7)
    start = today + (7 * shift + weekday - today.weekday()) * _DAY
    return start, start + days * _DAY


def _named_day(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    start = today + _NAMED_DAYS[match[1]] * _DAY
    return start, start + _DAY


def _weekday(match: re.Match[str], today: datetime) -> tuple[datetime, datetime]:
    ahead = (_WEEKDAYS.index(match[2]) - today.weekday()) % 7
    start = today + (ahead if match[1] in ("this", "next") else ahead - 7) * _DAY
    return start, start + _DAY


def _start(year: str | None, month: int, day: int, today: datetime) -> datetime:
    """Return a date; without a year the latest that is not after today."""
    start = datetime(int(year or today.year), month, day, tzinfo=UTC)
    return start if year or start <= today else start.replace(year=start.year - 1)


def _later(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text]


_M = "(" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS) + "|sept)"
_Y = r"((?:19|20)\d\d)"
_N = rf"(\d+|{'|'.join(_NUMBERS)})(?: of)? (day|week|month|year)s?"
_MONTH_FOLLOWS = re.compile(r"\b(?:in|last|since|during|by|until|this|early|late|mid)\s+$")
# From the most precise to the coarsest.
_FORMS: dict[re.Pattern[str], _Reader] = {
    re.compile(pattern): reader
    for pattern, reader in (
        (rf"\b{_Y}-\d\d-\d\d\b", _iso_date),
        (rf"\b(\d\d?)(?:st|nd|rd|th)?(?: of)? {_M}\b\.?(?:,? {_Y}\b)?", _day),
        (rf"\b{_M}\b\.? (?:the )?(\d\d?)(?:st|nd|rd|th)?\b(?!\d)(?:,? {_Y}\b)?", _day),
        (rf"\b(last|this|next|in|the) (?:the )?({'|'.join(_SEASONS)})\b(?:(?: of)? {_Y}\b)?", _season),
        (rf"\b{_M}\b\.?(?:,? (?:of )?{_Y}\b)?", _month),
        (rf"\b{_N} (?:ago|back|earlier)\b", _ago),
        (rf"\b(?:last|past|previous) {_N}\b", _past_few),
        (r"\b(last|past|previous|this|next) (week|weekend|month|year)\b", _calendar_unit),
        (rf"\b({'|'.join(_NAMED_DAYS)})\b", _named_day),
        (rf"\b(?:(last|this|next|on) )?({'|'.join(_WEEKDAYS)})\b", _weekday),
        (rf"\b{_Y}\b", _year),
    )
}
# All forms in one, for speed: it runs on every candidate.
_ANY_FORM = re.compile(
    "|".join(pattern.pattern for pattern in _FORMS)
    + r"|\b(?:recently|lately|these days|the other day|just now)\b"
)
