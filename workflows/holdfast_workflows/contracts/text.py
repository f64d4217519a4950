"""Rules for text that is not plain Unicode.

Two kinds of text break systems downstream: NUL, which PostgreSQL refuses in text, and
lone surrogates, which UTF-8 cannot encode. Content (messages, arguments, results) is
stored as JSON in which both are escapes, so it is read back exactly as it was; only the
two halves of one character, side by side, come back as that character. Text for people
(previews, errors, summaries, details) and text for models goes through ``clean``, which
replaces both by U+FFFD.
"""

import json
import re
from typing import Any

from .limits import PREVIEW_CHARS

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"[\[\]()<>!`*_#|\\]")


def clean(text: str) -> str:
    """Text that every database, wire and terminal accepts; U+FFFD stands for what was not."""
    return _UNSAFE.sub("\ufffd", text) if _UNSAFE.search(text) else text


def preview(text: str, chars: int = PREVIEW_CHARS) -> str:
    """The beginning of a text on one line, at most ``chars`` characters."""
    line = _SPACE.sub(" ", clean(text[: chars * 4])).strip()
    return line if len(line) <= chars else line[: chars - 1] + "…"


def plain_markdown(text: str) -> str:
    """Text of users, models and tools for the Temporal UI, which renders markdown: no image, link or markup."""
    return _MARKUP.sub(r"\\\g<0>", text)


def size(text: str) -> int:
    """Bytes of the text in UTF-8, a lone surrogate counting as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def dump_json(value: Any) -> str:
    """JSON that encodes as UTF-8 whatever is in it: lone surrogates become escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text
