"""Reading the arguments of a call in the forms that models and servers send."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from holdfast_workflows.contracts.text.unicode import dump_json

_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"  # separators of two objects
_NOT_JSON = (ValueError, RecursionError)


def text(given: Any) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    if given is None:
        return ""
    return given if isinstance(given, str) else dump_json(given)


def joined(pieces: Sequence[str]) -> str:
    """The text of a streamed call; some servers repeat all earlier pieces in each piece."""
    whole = "".join(pieces)
    if len(pieces) > 1 and not is_whole(whole) and is_whole(pieces[-1]) and grows(pieces):
        return pieces[-1]
    return whole


def grows(pieces: Sequence[str]) -> bool:
    """Whether each piece begins with the one before it."""
    return all(later.startswith(earlier) for earlier, later in pairwise(pieces))


def is_whole(given: str) -> bool:
    """Whether a text is the JSON of an object."""
    given = given.strip()
    if not given.startswith("{") or not given.endswith("}"):
        return False
    try:
        json.loads(given)
    except _NOT_JSON:
        return False
    return True


def objects(given: str) -> list[str]:
    """The argument objects in the text of a call.

    There are several if a server put calls of one tool under one id. An empty object among
    others is the initial value of some servers, and an equal object is a repetition. Any other
    text stays one text, which the tool refuses.
    """
    if not given.strip():
        return ["{}"]
    try:
        value = json.loads(given)
    except _NOT_JSON:
        return _several(given)
    if isinstance(value, str) and is_whole(value):
        return [value]
    # No arguments: null, an empty text, or an empty array.
    return ["{}"] if value is None or value in ("", []) else [given]


def _several(given: str) -> list[str]:
    values: list[tuple[Any, str]] = []
    at = 0
    while at < len(given):
        try:
            value, end = _DECODER.raw_decode(given, at)
        except _NOT_JSON:
            return [given]
        if not isinstance(value, dict):
            return [given]
        if value and all(value != other for other, _ in values):
            values.append((value, given[at:end]))  # pyright: ignore[reportUnknownArgumentType] - JSON
        at = end + len(given[end:]) - len(given[end:].lstrip(_BETWEEN))
    return [text for _, text in values] or ["{}"]
