"""A final reply is held against its schema as the type behind it would be."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict

from holdfast_activities.session.common.output import Output
from holdfast_workflows.contracts.text import model_json


class Item(BaseModel):
    a: int


class Report(BaseModel):
    items: list[Item] | None = None
    rows: list[list[int]] = []
    counts: dict[str, int] = {}
    text: str = ""
    either: str | list[str] = ""
    price: Decimal = Decimal(0)


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date = date(2025, 1, 2)
    at: datetime = datetime(2025, 1, 2, tzinfo=UTC)
    clock: time = time(3, 4)
    lasts: timedelta = timedelta(0)
    id: UUID = UUID(int=0)


READ: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a list": ({"items": '[{"a": 1}]'}, {"items": [{"a": 1}]}),
    "an object in a list": ({"items": ['{"a": 1}']}, {"items": [{"a": 1}]}),
    "a text in a text": ({"items": '["{\\"a\\": 1}"]'}, {"items": [{"a": 1}]}),
    "lists in a list": ({"rows": ["[1]", "[2]"]}, {"rows": [[1], [2]]}),
    "a map": ({"counts": '{"k": 1}'}, {"counts": {"k": 1}}),
    "a text where one is wanted": ({"text": "[1]"}, {"text": "[1]"}),
    "a text where one may be": ({"either": '["x"]'}, {"either": '["x"]'}),
}


@pytest.mark.parametrize(("sent", "kept"), READ.values(), ids=READ)
def test_a_list_or_object_sent_as_text_is_read_where_one_is_wanted(
    sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    text, problem = Output(Report.model_json_schema()).read(json.dumps(sent))
    assert (json.loads(text), problem) == (kept, "")
    assert model_json.Reader(Report).read(text) == Report.model_validate(kept)


def test_the_whole_reply_may_be_a_text_that_says_the_object() -> None:
    text, problem = Output(Report.model_json_schema()).read(json.dumps('{"text": "x"}'))
    assert (json.loads(text), problem) == ({"text": "x"}, "")


def test_digits_are_kept_where_a_list_is_read() -> None:
    sent = '{"price": 123456789012345678.90, "rows": "[[1]]"}'
    text, problem = Output(Report.model_json_schema()).read(sent)
    assert (text, problem) == ('{"price": 123456789012345678.90, "rows": [[1]]}', "")


@pytest.mark.parametrize(
    "text", ['{"rows": "[1"}', '{"rows": "{}"}', '{"counts": "[]"}', '{"rows": "1"}', "[]"]
)
def test_a_text_that_says_nothing_wanted_is_told_as_it_was_sent(text: str) -> None:
    kept, problem = Output(Report.model_json_schema()).read(text)
    assert kept == text
    assert "does not fit the schema" in problem


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("day", "2024-02-29", "2025-02-29"),
        ("at", "2025-01-02T03:04:05Z", "2025-13-02T00:00:00Z"),
        ("clock", "03:04:05", "25:00:00"),
        ("lasts", "PT1H", "an hour"),
        ("id", "12345678-1234-5678-1234-567812345678", "1234"),
    ],
)
def test_a_text_of_a_format_must_be_one(field: str, good: str, bad: str) -> None:
    output = Output(Strict.model_json_schema())
    text = json.dumps({field: good})
    assert output.read(text) == (text, "")
    assert f"at {field}" in output.read(json.dumps({field: bad}))[1]
    assert isinstance(model_json.Reader(Strict).read(text), Strict)


def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    assert Output(Report.model_json_schema()).read('\ufeff{"text": "x"}') == ('{"text": "x"}', "")
