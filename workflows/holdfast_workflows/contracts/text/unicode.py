"""Rules for text that is not plain Unicode.

Two kinds of text break systems downstream: NUL, which PostgreSQL refuses in text, and
lone surrogates, which UTF-8 cannot encode. Content (messages, arguments, results) is
stored as JSON in which both are escapes, so it is read back exactly as it was; only the
two halves of one character, side by side, come back as that character. Text for people
(previews, errors, summaries, details) and text for models goes through ``clean``, which
replaces both by U+FFFD.

What errors say also goes through ``redact``: programs put the key they were refused with
into their complaint, and an error's text is read by people, models and log stores.
"""

import json
import re
from typing import Any

from ..limits import PREVIEW_CHARS

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_SECRETS = (
    # A key by its look: a maker's prefix and a long rest. `key-` and `api_` begin plain words,
    # too, so there the rest must hold a digit or the stars of a key that is half hidden already.
    # Every look ahead is bounded: the text may be long, and made to be slow.
    re.compile(r"(?i)\b(?:sk|pk|rk|gsk|xai|ghp|gho|hf|xox[abps])[-_][\w*.\-]{8,}"),
    re.compile(r"(?i)\b(?:key|api)[-_ ](?=[a-z_.\-]{0,40}[\d*])[\w*.\-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA|AIza|eyJ)[\w.\-]{12,}"),
    # What stands behind the name of a header or a setting.
    re.compile(r"(?i)\bbearer[ =:]\s?(?P<secret>[\w*.\-+/=]{8,})"),
    re.compile(r"\b[Bb]asic (?P<secret>(?=[a-z+/]{0,40}[A-Z0-9=])[\w+/=]{8,})"),
    re.compile(
        r"(?i)(?<![a-z])(?:api[-_]?key|secret|password|passwd|pwd|token)"
        r"(?:=|[\"'] ?[:=] ?[\"']|: ?(?=[^\s\d]{0,40}\d))(?P<secret>[^\s\"',;&]{4,})"
    ),
    re.compile(r"(?<=://)(?P<secret>[^\s/@:]{0,100}:[^\s/@]{1,200})(?=@)"),
)
_MARKUP = re.compile(r"[\[\]()<>!`*_#|\\]")


def clean(text: str) -> str:
    """Text that every database, wire and terminal accepts; U+FFFD stands for what was not."""
    return _UNSAFE.sub("\ufffd", text) if _UNSAFE.search(text) else text


def redact(text: str, secret: str = "") -> str:
    """The text with ``***`` in place of ``secret`` and of whatever looks like a key, token or password."""
    if secret:
        text = text.replace(secret, "***")
    for pattern in _SECRETS:
        text = pattern.sub(_strike, text)
    return text


def _strike(found: re.Match[str]) -> str:
    secret = found.groupdict().get("secret")
    return "***" if secret is None else found[0].removesuffix(secret) + "***"


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
