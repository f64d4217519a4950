"""The arguments of a call as models and servers send them, read as what they plainly are."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from holdfast_workflows.contracts.text.unicode import dump_json

_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"  # what stands between two objects
_NOT_JSON = (ValueError, RecursionError)


def text(given: Any) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    if given is None:
        return ""
    return given if isinstance(given, str) else dump_json(given)


def joined(pieces: Sequence[str]) -> str:
    """The text of a streamed call; some servers repeat in each piece what came before it."""
    whole = "".join(pieces)
    if len(pieces) > 1 and not is_whole(whole) and is_whole(pieces[-1]) and _grows(pieces):
        return pieces[-1]
    return whole


def _grows(pieces: Sequence[str]) -> bool:
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

    Usually there is one; some servers put several calls of one tool under one id. An empty object next to
    others is the start value that some servers send, and an equal object is a repetition. Any other text is
    returned as it is, and the tool refuses it.
    """
    if not given.strip():
        return ["{}"]
    try:
        value = json.loads(given)
    except _NOT_JSON:
        return _several(given)
    if isinstance(value, str) and is_whole(value):
        return [value]
    # No arguments: null, an empty text, or the empty array of a server whose language knows only arrays.
    return ["{}"] if value is None or value in ("", []) else [given]


def _several(given: str) -> list[str]:
    found: list[tuple[Any, str]] = []
    at = 0
    while at < len(given):
        try:
            value, end = _DECODER.raw_decode(given, at)
        except _NOT_JSON:
            return [given]
        if not isinstance(value, dict):
            return [given]
        if value and all(value != other for other, _ in found):
            found.append((value, given[at:end]))  # pyright: ignore[reportUnknownArgumentType] - JSON
        at = end + len(given[end:]) - len(given[end:].lstrip(_BETWEEN))
    return [one for _, one in found] or ["{}"]
