from datetime import UTC, datetime

import pytest

from holdfast_activities.memory.finding.dates import Span, extract, names_a_time, nearness

NOW = datetime(2023, 10, 18, 15, tzinfo=UTC).timestamp()  # a Wednesday
DAY = 86_400.0


def _days(text: str) -> list[tuple[str, str]]:
    def day(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()

    return [(day(span.start), day(span.end)) for span in extract(text, NOW)[0]]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("what did she do in November?", "2022-11-01", "2022-12-01"),
        ("on 7 May 2022", "2022-05-07", "2022-05-08"),
        ("May 7th, 2022", "2022-05-07", "2022-05-08"),
        ("on the 3rd of March", "2023-03-03", "2023-03-04"),
        ("2023-05-07", "2023-05-07", "2023-05-08"),
        ("back in 2021", "2021-01-01", "2022-01-01"),
        ("yesterday", "2023-10-17", "2023-10-18"),
        ("the day before yesterday", "2023-10-16", "2023-10-17"),
        ("last week", "2023-10-09", "2023-10-16"),
        ("this month", "2023-10-01", "2023-11-01"),
        ("last year", "2022-01-01", "2023-01-01"),
        ("last weekend", "2023-10-14", "2023-10-16"),
        ("last Friday", "2023-10-13", "2023-10-14"),
        ("next Monday", "2023-10-23", "2023-10-24"),
        ("two days ago", "2023-10-16", "2023-10-17"),
        ("in the past 3 weeks", "2023-09-27", "2023-10-19"),
        ("last summer", "2023-06-01", "2023-09-01"),
        ("in the winter of 2021", "2021-12-01", "2022-03-01"),
    ],
)
def test_a_time_in_a_text_is_extracted(text: str, start: str, end: str) -> None:
    assert _days(text) == [(start, end)]


@pytest.mark.parametrize(
    "text", ["may I come in?", "the second one", "99 times", "I march on", "when?", "2x4", ""]
)
def test_a_text_without_a_time_gives_no_span(text: str) -> None:
    assert extract(text, NOW)[0] == []


def test_a_time_matches_only_its_most_precise_form() -> None:
    assert len(extract("on 7 May 2022 and in June 2021", NOW)[0]) == 2


def test_times_out_of_range_are_ignored() -> None:
    assert extract("999999999 years ago, or the last 99999999999 months", NOW)[0] == []


def test_nearness_is_one_inside_a_span_and_falls_outside() -> None:
    span = Span(10 * DAY, 20 * DAY)
    assert nearness(15 * DAY, span) == 1.0
    assert 0.0 < nearness(22 * DAY, span) < 1.0
    assert nearness(40 * DAY, span) == 0.0
    assert nearness(0.0, span) == 0.0


def test_names_a_time_recognises_times() -> None:
    assert names_a_time("We moved last Friday.")
    assert names_a_time("It was in 2019")
    assert names_a_time("I did it recently.")
    assert not names_a_time("It is brown all over.")
