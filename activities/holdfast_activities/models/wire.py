"""What both wire formats share: how text, arguments and shapes become bytes, once."""

import hashlib
import json
import re
import string as string_module
from functools import lru_cache
from typing import Any

from holdfast_workflows.contracts.session.entries import ReplyEntry
from holdfast_workflows.contracts.text.unicode import clean, dump_json

_FIGURES = b"0123456789"
_SPARSE = 50  # in prose fewer than one character of so many is a figure
_LETTERS = string_module.ascii_letters.encode() + _FIGURES
_RUN, _NUMBER = b"x" * 18, b"x" * 4
# Looked for by translating and counting, which takes microseconds where a pattern takes hundreds.
_AS_RUNS = bytes(120 if char in _LETTERS + b"+=-" else 32 for char in range(256))
_AS_NUMBERS = bytes(120 if char in _FIGURES + b".,:" else 32 for char in range(256))
_DIGITS = string_module.ascii_letters + string_module.digits
_SURROGATE = re.compile("[\ud800-\udfff]")
# As "surrogateescape" keeps bytes that are not UTF-8; after a high surrogate it is the half of a character.
_ESCAPED_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_CUT = re.compile("[\ud800-\udfff]{1,3}$")
_UNSAFE_NAME = re.compile(r"[^a-zA-Z0-9_-]")


EMPTY = "(empty)"
"""Stands for a text that is empty, where a wire has no way to say that."""

LEFT_OUT = "(What came before this is left out.)"
"""What a user says before a reply that nothing precedes."""

GO_ON = "Go on."
"""What a user says between two replies, or after the last one."""

_MOST_COUNTED = 10**9
"""Tokens that one call is believed to have used at most; sums of many must still fit the state database."""


def counted(told: Any) -> int:
    """A provider's count of tokens, within bounds; 0 for what is not a count."""
    try:
        number = float(told) if isinstance(told, str) else told
        return min(max(int(number or 0), 0), _MOST_COUNTED)
    except (ValueError, TypeError, OverflowError):
        return 0


def string(text: str) -> bytes:
    """The text as a JSON string."""
    return dump_json(clean(text)).encode()


@lru_cache(maxsize=256)
def instructions(text: str) -> bytes:
    """Instructions as a JSON string; agents are few and their instructions long."""
    return string(text)


def estimate(data: bytes) -> int:
    """Tokens, roughly: a quarter of the bytes, half of those in figures and encoded data, and four for the
    message's frame.
    """
    dense = 0
    figures = len(data) - len(data.translate(None, _FIGURES))
    if figures * _SPARSE > len(data):
        encoded = data.translate(_AS_RUNS).count(_RUN) * len(_RUN)
        dense = max(encoded, data.translate(_AS_NUMBERS).count(_NUMBER) * len(_NUMBER))
    return (len(data) + dense) // 4 + 4


@lru_cache(maxsize=256)
def weigh(text: str | bytes) -> int:
    """Tokens of an agent's instructions or tools, which are the same at every step."""
    return estimate(string(text) if isinstance(text, str) else text) if text else 0


def arguments(text: str) -> str:
    """Arguments as the JSON text of an object; anything else is wrapped, since servers parse it."""
    text = clean(text).strip() or "{}"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return text if isinstance(value, dict) else dump_json({"INVALID_JSON": text})


def parsed(data: bytes) -> Any:
    """JSON as it came; bytes of a character that is cut between two events are kept for ``received``.

    Raises:
        ValueError, RecursionError: It is not JSON.
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return json.loads(data.decode("utf-8", "surrogateescape"))


def received(text: str) -> str:
    """Text from a model, cleaned; parts of a character that came in two events are put together first."""
    return clean(_joined(text) if _SURROGATE.search(text) else text)


def settled(text: str) -> str:
    """``received`` of a text that still grows, without the part of a character at its end."""
    return clean(_CUT.sub("", _joined(text)) if _SURROGATE.search(text) else text)


def _joined(text: str) -> str:
    text = _ESCAPED_BYTES.sub(_decoded, text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _decoded(escaped: re.Match[str]) -> str:
    return escaped[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def received_json(value: Any) -> Any:
    """JSON from a model with every text in it cleaned."""
    if isinstance(value, str):
        return received(value)
    if isinstance(value, list):
        return [received_json(part) for part in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(value, dict):
        return {received(str(key)): received_json(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - JSON
    return value


def said(text: str) -> bytes:
    """What a user or a tool said, as a JSON string; many servers refuse text that is empty or only space."""
    return string(text if text.strip() else EMPTY)


def is_own(entry: ReplyEntry, provider: str) -> bool:
    """Whether a provider gave the reply; of one that does not say, nothing speaks against it."""
    return not entry.model or entry.model == provider or entry.model.startswith(f"{provider}:")


def call_id(id: str, allowed: re.Pattern[str]) -> str:
    """The id of a call if it may be sent so, else another of nine letters and digits, the same for the same id."""
    id = clean(id)
    if allowed.fullmatch(id):
        return id
    number = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest())
    return "".join(_DIGITS[number // 62**place % 62] for place in range(9))


def safe_name(text: str) -> str:
    """A name or id with only the characters that every provider allows."""
    return _UNSAFE_NAME.sub("_", text)[:64]


def unique(ids: list[str]) -> list[str]:
    """Call ids made distinct: results find their calls by them."""
    seen: set[str] = set()
    found: list[str] = []
    for index, name in enumerate(ids):
        distinct = name if name and name not in seen else f"{name or 'call'}_{index}"
        while distinct in seen:
            distinct += "_"
        seen.add(distinct)
        found.append(distinct)
    return found


def text_of(content: Any) -> str:
    """The text of a message's content: a string, parts of which some are text, or nothing."""
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
