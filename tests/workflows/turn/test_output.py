"""Structured output: a final reply that fits a schema, or a typed error after bounded repairs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel

from holdfast import OutputInvalid
from holdfast.testing import call, say

from ..conftest import Start


class Report(BaseModel):
    """A finding."""

    region: str
    growth: float


async def test_a_task_returns_a_value_of_the_type_asked_for(start: Start) -> None:
    async with start([call("look", {"at": "it"}), say('{"region": "north", "growth": 2.5}')]) as it:
        report = await it.holdfast.client.run("helper", "Which region grew?", output_type=Report)
        assert report == Report(region="north", growth=2.5)
        assert b'"type":"json_schema"' in it.model.requests[0].body


async def test_a_reply_that_does_not_fit_is_repaired(start: Start) -> None:
    script = [say("The north grew."), say('{"region": "north"}'), say('{"region": "north", "growth": 1}')]
    async with start(script) as it:
        report = await it.holdfast.client.run("helper", "Which region grew?", output_type=Report)
        assert report.growth == 1
        assert b"must be JSON" in it.model.requests[1].body
        assert b"growth" in it.model.requests[2].body


FITS = '{"region": "north", "growth": 1}'


@pytest.mark.parametrize(
    "text", [f"```json\n{FITS}\n```", f"<think>hm</think>\n{FITS}"], ids=["fence", "thoughts"]
)
async def test_a_fenced_reply_fits_and_is_kept_without_its_fence(start: Start, text: str) -> None:
    async with start([say(text)]) as it:
        session = await it.holdfast.client.start("helper", "Which region grew?", output_type=Report)
        assert (await session.wait()).text == FITS
        assert len(it.model.requests) == 1


class Bill(BaseModel):
    """A bill."""

    total: Decimal
    parts: list[Decimal]


async def test_a_task_returns_decimals_with_all_their_digits(start: Start) -> None:
    digits = "12345678901234567890.12345678901234567890123"
    async with start([say(f'{{"total": {digits}, "parts": [{digits}]}}')]) as it:
        bill = await it.holdfast.client.run("helper", "How much?", output_type=Bill)
        assert bill == Bill(total=Decimal(digits), parts=[Decimal(digits)])


async def test_a_reply_with_nan_does_not_fit(start: Start) -> None:
    async with start([say('{"region": "north", "growth": NaN}'), say(FITS)]) as it:
        report = await it.holdfast.client.run("helper", "Which region grew?", output_type=Report)
        assert report.growth == 1
        assert b"NaN is not JSON" in it.model.requests[1].body


async def test_repairs_are_bounded_and_the_error_says_what_was_wrong(start: Start) -> None:
    async with start([say("no")] * 5) as it:
        with pytest.raises(OutputInvalid, match="must be JSON"):
            await it.holdfast.client.run("helper", "Which region grew?", output_type=Report)
        assert len(it.model.requests) == 3


async def test_a_json_schema_will_do(start: Start) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with start([say('{"n": 4}')]) as it:
        assert await it.holdfast.client.run("helper", "How many?", output_type=schema) == {"n": 4}
