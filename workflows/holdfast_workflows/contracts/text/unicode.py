"""Rules for text that is not plain Unicode.

PostgreSQL refuses NUL in text, and UTF-8 cannot encode lone surrogates. Content (messages, arguments, results)
is stored as JSON with escapes for both, so it is read back unchanged, except that two adjacent halves of one
character become that character. Text for people and models goes through ``clean``, which replaces both by U+FFFD.

What may hold a secret also goes through ``redaction``.
"""

import hashlib
import json
import re
from typing import Any, cast

from ..limits import PREVIEW_CHARS

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"[\[\]()<>!`*_#|$\\]")


def clean(text: str) -> str:
    """Replace characters that databases, wires or terminals refuse by U+FFFD."""
    return _UNSAFE.sub("\ufffd", text) if _UNSAFE.search(text) else text


def cleaned(value: object) -> object:
    """Return JSON data with ``clean`` applied to its texts."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {clean(key): cleaned(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def preview(text: str, chars: int = PREVIEW_CHARS) -> str:
    """Return the beginning of a text on one line, at most ``chars`` characters."""
    line = _SPACE.sub(" ", clean(text[: chars * 4])).strip()
    return line if len(line) <= chars else line[: chars - 1] + "…"


def plain_markdown(text: str) -> str:
    """Escape markdown, which the Temporal UI renders, in text of users, models and tools."""
    return _MARKUP.sub(r"\\\g<0>", text)


def size(text: str) -> int:
    """Return the bytes of a text in UTF-8; a lone surrogate counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def dump_json(value: Any) -> str:
    """Return JSON that UTF-8 can encode: lone surrogates become escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def digest(*texts: str) -> str:
    """Short hash of texts, used to detect repeats."""
    made = hashlib.blake2b(digest_size=6)
    for text in texts:
        made.update(text.encode("utf-8", "surrogatepass"))
        made.update(b"\0")
    return made.hexdigest()
