"""The items of a fleet: read, rendered and stored in chunks."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from holdfast_client import messages
from holdfast_client.operations.stored import content
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts.errors import BadInput, MessageTooLarge
from holdfast_workflows.contracts.limits import MAX_ITEMS, MAX_NAME
from holdfast_workflows.contracts.teams.fleets import Chunk, Item
from holdfast_workflows.contracts.text.unicode import digest, dump_json, preview, size

FleetInput = str | Mapping[str, Any]
"""An item: its message, or an object with fields for the message."""

Items = Iterable[FleetInput] | AsyncIterable[FleetInput] | Path

_CHUNK: Final = 100
"""Items in one chunk."""

_CHUNK_BYTES: Final = 1_000_000
"""Bytes of a chunk as JSON within JSON, which is how it travels to the workers."""

_FIELD: Final = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")


async def store(requests: Requests, fleet: str, items: Items, message: str | None) -> tuple[Chunk, ...]:
    """Store all items and return the chunks.

    Raises:
        BadInput: An item has no message, two have the same id, or their number is 0 or too high.
        MessageTooLarge: An item is over the limit.
    """
    chunks: list[Chunk] = []
    ready: list[Item] = []
    weight, ids = 0, set[str]()
    async for item in rendered(items, message):
        if item.id in ids:
            raise BadInput(f"two items have the id {preview(item.id, 60)!r}; give each its own, or none")
        ids.add(item.id)
        if len(ids) > MAX_ITEMS:
            raise BadInput(f"a fleet has at most {MAX_ITEMS:,} items; start several")
        if (more := size(dump_json(dump_json(item.model_dump())))) > _CHUNK_BYTES:
            raise MessageTooLarge(
                f"item {preview(item.id, 60)!r} has {more:,} bytes as JSON; at most {_CHUNK_BYTES:,}"
            )
        if ready and (len(ready) == _CHUNK or weight + more > _CHUNK_BYTES):
            chunks.append(await _store(requests, fleet, len(chunks), ready))
            ready, weight = [], 0
        ready.append(item)
        weight += more
    if not ready:
        raise BadInput("there are no items; give at least one")
    return (*chunks, await _store(requests, fleet, len(chunks), ready))


async def _store(requests: Requests, fleet: str, number: int, items: list[Item]) -> Chunk:
    text = dump_json([each.model_dump() for each in items])
    # A stored text never changes, so other items get another id.
    ref = await content.store(requests, fleet, f"items-{number}-{digest(text)[:16]}", text)
    return Chunk(ref=ref, count=len(items))


async def rendered(items: Items, message: str | None) -> AsyncGenerator[Item]:
    """Yield each item with its id and its message, which is checked.

    Raises:
        BadInput: An item has no message or an invalid id, or the file cannot be read.
        MessageTooLarge: A message is over its limit.
    """
    number = 0
    async for given in _each(items):
        number += 1
        fields: dict[str, Any] = {"item": given} if isinstance(given, str) else dict(given)
        text = _message(fields, message, number)
        messages.check(text)
        yield Item(id=_id(fields, number), message=text)


def _message(fields: dict[str, Any], message: str | None, number: int) -> str:
    if message is None:
        found = fields.get("item", fields.get("message"))
        return found if isinstance(found, str) else dump_json(fields)

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return f"{{{found[1]}}}"
        if found[2] not in fields:
            known = ", ".join(map(str, fields))
            raise BadInput(f"item {number} has no field {found[2]!r} for the message; it has: {known}")
        field = fields[found[2]]
        return field if isinstance(field, str) else dump_json(field)

    return _FIELD.sub(value, message)


def _id(fields: dict[str, Any], number: int) -> str:
    id = fields.get("id", number)
    if isinstance(id, bool) or not isinstance(id, str | int) or not 0 < len(str(id)) <= MAX_NAME:
        raise BadInput(f"item {number} has id={id!r}; give a text of 1 to {MAX_NAME} characters, or none")
    return str(id)


async def _each(items: Items) -> AsyncGenerator[FleetInput]:
    if not _iterable(items):
        raise BadInput(f"items={preview(repr(items), 60)} is not a list of items, an iterator, or a Path")
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield _checked(item)
        return
    for item in _lines(items) if isinstance(items, Path) else items:
        yield _checked(item)


def _iterable(items: object) -> bool:
    """Whether a value has items; callers without a type checker may pass anything."""
    return isinstance(items, Iterable | AsyncIterable | Path) and not isinstance(items, str | bytes)


def _lines(path: Path) -> Iterable[FleetInput]:
    """Read a file with one item on each line: a JSON object or a JSON text."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _parsed(line, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', '') or error}") from error


def _parsed(line: str, where: str) -> FleetInput:
    try:
        return cast("FleetInput", json.loads(line))
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}; give one JSON object or text on each line") from error


def _checked(item: object) -> FleetInput:
    if not isinstance(item, str | Mapping):
        raise BadInput(f"the item {preview(repr(item), 60)} is neither a text nor an object with fields")
    return cast("FleetInput", item)
