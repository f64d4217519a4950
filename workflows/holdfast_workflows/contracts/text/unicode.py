"""Rules for text that is not plain Unicode.

PostgreSQL refuses NUL in text, and UTF-8 cannot encode lone surrogates. Content (messages, arguments, results)
is stored as JSON with escapes for both, so it is read back unchanged, except that two adjacent halves of one
character become that character. Text for people and models goes through ``clean``, which replaces both by U+FFFD.

Texts of errors also go through ``redact``, since programs repeat refused keys in their errors.
"""

import hashlib
import json
import re
from typing import Any, cast

from ..limits import PREVIEW_CHARS

_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_SECRETS = (
    # A provider's key prefix and a long rest. `key-` and `api_` also begin plain words, so there the rest must
    # have a digit, or the stars of a masked key. Lookaheads are bounded, since the text may be an attack.
    re.compile(r"(?i)\b(?:sk|pk|rk|gsk|xai|ghp|gho|hf|xox[abps])[-_][\w*.\-]{8,}"),
    re.compile(r"(?i)\b(?:key|api)[-_ ](?=[a-z_.\-]{0,40}[\d*])[\w*.\-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA|AIza|eyJ)[\w.\-]{12,}"),
    # Values of headers and settings.
    re.compile(r"(?i)\bbearer[ =:]\s?(?P<secret>[\w*.\-+/=]{8,})"),
    re.compile(r"\b[Bb]asic (?P<secret>(?=[a-z+/]{0,40}[A-Z0-9=])[\w+/=]{8,})"),
    re.compile(
        r"(?i)(?<![a-z])(?:api[-_]?key|secret|password|passwd|pwd|token)"
        r"(?:=|[\"'] ?[:=] ?[\"']|: ?(?=[^\s\d]{0,40}\d))(?P<secret>[^\s\"',;&]{4,})"
    ),
    re.compile(r"(?<=://)(?P<secret>[^\s/@:]{0,100}:[^\s/@]{1,200})(?=@)"),
)
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


def redact(text: str, secret: str = "") -> str:
    """Replace ``secret``, and text that looks like a key, token or password, by ``***``."""
    if secret:
        text = text.replace(secret, "***")
    for pattern in _SECRETS:
        text = pattern.sub(_strike, text)
    return text


def _strike(found: re.Match[str]) -> str:
    secret = found.groupdict().get("secret")
    return "***" if secret is None else found[0].removesuffix(secret) + "***"


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
