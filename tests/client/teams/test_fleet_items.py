"""The items of a fleet, before they are stored."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from holdfast import BadInput
from holdfast_client.teams.fleet_items import Items, rendered


async def read(items: Items, message: str | None = None) -> list[tuple[str, str]]:
    """The ids and messages of the items."""
    return [(each.id, each.message) async for each in rendered(items, message)]


async def test_a_text_is_the_message_and_its_number_the_id() -> None:
    assert await read(["a", "b"]) == [("1", "a"), ("2", "b")]


async def test_an_object_has_an_id_and_a_message_or_is_the_message_as_json() -> None:
    items: list[dict[str, Any]] = [{"id": "x", "message": "Hi"}, {"id": 7, "n": 1}]
    assert await read(items) == [("x", "Hi"), ("7", '{"id":7,"n":1}')]


async def test_the_template_takes_the_fields_of_each_item() -> None:
    items: list[Any] = [{"name": "Ann", "tags": ["a"]}]
    assert await read(items, "Greet {name}, {tags}, {{name}} and { }") == [
        ("1", 'Greet Ann, ["a"], {name} and { }')
    ]
    assert await read(["Bob"], "Greet {item}") == [("1", "Greet Bob")]


async def test_items_come_from_an_async_iterator() -> None:
    async def rows() -> AsyncGenerator[str]:
        yield "a"
        yield "b"

    assert await read(rows()) == [("1", "a"), ("2", "b")]


async def test_a_file_has_an_item_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('"a"\n\n{"id": "x", "message": "b"}\n')
    assert await read(path) == [("1", "a"), ("x", "b")]


@pytest.mark.parametrize(
    ("items", "message", "words"),
    [
        ("a text", None, "is not a list of items"),
        ([1], None, "is neither a text nor an object"),
        ([{"id": True, "message": "a"}], None, "item 1 has id=True"),
        ([{"a": 1}], "{b}", "item 1 has no field 'b'"),
        ([""], None, "the message is empty"),
        (Path("missing.jsonl"), None, "missing.jsonl: No such file"),
    ],
)
async def test_items_that_cannot_be_used_are_named(items: Any, message: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        await read(items, message)


async def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('"a"\nb\n')
    with pytest.raises(BadInput, match="line 2 is not JSON"):
        await read(path)
