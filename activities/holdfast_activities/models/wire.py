"""What the wire formats share: text, arguments, ids and token counts."""

import hashlib
import json
import re
import string as string_module
from functools import lru_cache
from typing import Any

from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.text.unicode import clean, dump_json

_FIGURES = b"0123456789"
_SPARSE = 50  # in prose fewer than one character in this many is a digit
_LETTERS = string_module.ascii_letters.encode() + _FIGURES
_RUN, _NUMBER = b"x" * 18, b"x" * 4
# Translating and counting takes microseconds; a regular expression takes hundreds.
_AS_RUNS = bytes(120 if char in _LETTERS + b"+=-" else 32 for char in range(256))
_AS_NUMBERS = bytes(120 if char in _FIGURES + b".,:" else 32 for char in range(256))
_DIGITS = string_module.ascii_letters + string_module.digits
_SURROGATE = re.compile("[\ud800-\udfff]")
# Bytes that are not UTF-8, as "surrogateescape" encodes them; after a high surrogate they are half a character.
_ESCAPED_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_CUT = re.compile("[\ud800-\udfff]{1,3}$")
_UNSAFE_NAME = re.compile(r"[^a-zA-Z0-9_-]")


EMPTY = "(empty)"
"""Replaces an empty text, which many servers refuse."""

LEFT_OUT = "(What came before this is left out.)"
"""The user message before a reply that nothing precedes."""

GO_ON = "Go on."
"""The user message between two replies, or after the last one."""

_MAX_COUNT = 10**9
"""Tokens of one call that are accepted at most; sums of many must fit the state database."""


def counted(reported: Any) -> int:
    """A provider's count of tokens, within bounds; 0 for anything else."""
    try:
        number = float(reported) if isinstance(reported, str) else reported
        return min(max(int(number or 0), 0), _MAX_COUNT)
    except (ValueError, TypeError, OverflowError):
        return 0


def tool_of(entry: Entry) -> str:
    """The tool whose result an entry is; empty for others."""
    return entry.name if isinstance(entry, ResultEntry) else ""


def string(text: str) -> bytes:
    """The text as a JSON string."""
    return dump_json(clean(text)).encode()


@lru_cache(maxsize=256)
def instructions(text: str) -> bytes:
    """Instructions as a JSON string; agents are few and their instructions long."""
    return string(text)


def estimate(data: bytes) -> int:
    """Estimate tokens: a quarter of the bytes, half of those in figures and encoded data, and 4 for the frame."""
    dense = 0
    figures = len(data) - len(data.translate(None, _FIGURES))
    if figures * _SPARSE > len(data):
        encoded = data.translate(_AS_RUNS).count(_RUN) * len(_RUN)
        dense = max(encoded, data.translate(_AS_NUMBERS).count(_NUMBER) * len(_NUMBER))
    return (len(data) + dense) // 4 + 4


@lru_cache(maxsize=256)
def weigh(text: str | bytes) -> int:
    """Estimate the tokens of an agent's instructions or tools, which are the same at every step."""
    return estimate(string(text) if isinstance(text, str) else text) if text else 0


def arguments(text: str) -> str:
    """Arguments as the JSON text of an object; anything else is wrapped, since servers parse them."""
    text = clean(text).strip() or "{}"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return text if isinstance(value, dict) else dump_json({"INVALID_JSON": text})


def parsed(data: bytes) -> Any:
    """Parse JSON; bytes of a character that is split between two events are kept for ``received``.

    Raises:
        ValueError, RecursionError: It is not JSON.
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return json.loads(data.decode("utf-8", "surrogateescape"))


def received(text: str) -> str:
    """Clean a model's text, after joining characters that were split between two events."""
    return clean(_joined(text) if _SURROGATE.search(text) else text)


def settled(text: str) -> str:
    """Clean a text that still grows, without the incomplete character at its end."""
    return clean(_CUT.sub("", _joined(text)) if _SURROGATE.search(text) else text)


def _joined(text: str) -> str:
    text = _ESCAPED_BYTES.sub(_decoded, text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _decoded(escaped: re.Match[str]) -> str:
    return escaped[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def received_json(value: Any) -> Any:
    """Clean every text in a model's JSON."""
    if isinstance(value, str):
        return received(value)
    if isinstance(value, list):
        return [received_json(part) for part in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(value, dict):
        return {received(str(key)): received_json(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - JSON
    return value


def content(text: str) -> bytes:
    """The text of a user or a tool as a JSON string; many servers refuse empty or blank text."""
    return string(text if text.strip() else EMPTY)


def is_own(entry: ReplyEntry, provider: str) -> bool:
    """Whether the provider gave the reply; also true for a reply without a model's name."""
    return not entry.model or entry.model == provider or entry.model.startswith(f"{provider}:")


def call_id(id: str, allowed: re.Pattern[str]) -> str:
    """A call's id if it is allowed, else nine letters and digits derived from it."""
    id = clean(id)
    if allowed.fullmatch(id):
        return id
    number = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest())
    return "".join(_DIGITS[number // 62**place % 62] for place in range(9))


def safe_name(text: str) -> str:
    """The name with only the characters that every provider allows."""
    return _UNSAFE_NAME.sub("_", text)[:64]


def unique(ids: list[str]) -> list[str]:
    """Clean call ids and make them distinct, since results refer to them."""
    seen: dict[str, None] = {}
    for index, id in enumerate(map(received, ids)):
        distinct = id if id and id not in seen else f"{id or 'call'}_{index}"
        while distinct in seen:
            distinct += "_"
        seen[distinct] = None
    return list(seen)


def call(id: str, name: str, arguments: str) -> ToolCall:
    """A call from a model, cleaned.

    Raises:
        ValueError: The call has no name.
    """
    name = received(name).strip()
    if not name:
        raise ValueError("a call without a name")
    return ToolCall(id=id, name=name, arguments=received(arguments))


def text_of(content: Any) -> str:
    """The text of a message's content: a string, a list with text parts, or null."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts: list[Any] = [content] if isinstance(content, dict) else content
    return "".join(_text_of_part(part) for part in parts if part)


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    return (part.get("text") or "") if part.get("type") in ("text", "output_text", None) else ""
