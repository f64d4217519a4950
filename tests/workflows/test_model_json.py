"""The JSON of final replies: bare, fenced, after thoughts, or none."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_workflows.contracts.text import final_reply

GOOD = '{"a": "x ``` y </think>", "n": 0.5}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n{GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        f"  ```JSON \r\n{GOOD}\r\n```",
        f"~~~~json\n{GOOD}\n~~~~",
        f"```json {GOOD} ```",
        f"```{GOOD}```",
        f"<think>hm</think>\n{GOOD}",
        f"hm, so ```{{}}``` it is.\n</think>\n\n{GOOD}",
        f"<thinking>a</thinking>\n```json\n{GOOD}\n```",
        f"<reasoning>\n</reasoning>{GOOD}",
        f"\ufeff{GOOD}",
        f"\ufeff```json\n{GOOD}\n```",
    ],
)
def test_a_reply_around_its_json_is_read_as_the_json(text: str) -> None:
    assert json.loads(final_reply.bare(text).removeprefix("\ufeff")) == json.loads(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        f"Here it is: {GOOD}",
        f"```json\n{GOOD}\n```\nI hope this helps.",
        f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```",
        f"``{GOOD}``",
        f"```json\n{GOOD}",
        "```json\n{'a': 1}\n```",
        '```json\n{"a": NaN}\n```',
        "<think>hm</think>",
        "",
        "```",
    ],
)
def test_what_is_not_one_json_value_stays_as_it_is(text: str) -> None:
    assert final_reply.bare(text) == text


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a": -Infinity}', '{"a": 1e999}', "{'a': 1}", "{} {}"]
)
def test_a_reply_with_what_json_cannot_say_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        final_reply.output(text)


@given(st.text(st.characters(exclude_categories=()), max_size=60) | st.text("`~{}\n </think>", max_size=60))
def test_any_text_is_read_or_left_alone(text: str) -> None:
    found = final_reply.bare(text)
    assert found in text


@pytest.mark.parametrize("text", ["`" * 1_000_000, "</think>" * 100_000, "[" * 1_000_000, " ```" * 200_000])
def test_hostile_text_is_read_in_little_time(text: str) -> None:
    began = time.process_time()
    final_reply.bare(text)
    assert time.process_time() - began < 5
