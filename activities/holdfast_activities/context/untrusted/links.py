"""Links and images in replies, after untrusted content was read.

A model that obeys injected text may send data away in a link that it builds, or in an image that a page loads without
a click. So a link stays only if the model could not have put anything into it: its host is allowed, or the user or the
instructions named it, or the same link stands in what was read. An image needs a host that is allowed or was named.
"""

import html
import json
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from holdfast_workflows.contracts.session.entries import Entry, MemoryEntry, UserEntry
from holdfast_workflows.contracts.text.unicode import dump_json

ANY: Final = "*"
"""An allow list with this entry allows every link."""

_MOST: Final = 20_000
"""Links of one session that are remembered."""

_END: Final = r"[^\s<>\"'`{}|^\[\]]"
_URL: Final = re.compile(
    rf"(?:(?<![a-zA-Z0-9])(?:https?|wss?|ftp):[\\/]{{1,6}}|(?:(?<==)|(?<==[\"']))[\\/]{{2,6}}|(?<![\w.])www\.)"
    rf"(?:{_END}|\[[0-9a-fA-F:.]+\]){{1,4000}}",
    re.IGNORECASE,
)
_READ: Final = (
    # Each begins with a literal, which the search looks for: results are long.
    ("http", re.compile(rf"https?://(?:{_END}|\[[0-9a-fA-F:.]+\]){{1,4000}}")),
    ("www.", re.compile(rf"www\.{_END}{{1,4000}}")),
)
"""How links are written in what is read."""

_NAME: Final = re.compile(r"(?:[\w-]{1,63}\.){1,8}[a-zA-Z]{2,24}\b")
_IMAGE_REFERENCE: Final = re.compile(r"!\[[^\]]{0,1000}\](?!\()")
_BRACKET: Final = re.compile(r"\\.|!?\[|\](\(\s{0,20}|:\s{0,20})?", re.DOTALL)
_TARGET: Final = re.compile(r"<[^<>\n]{0,4000}>|(?:[^\s()<>\\]|\\.|\([^\s()]{0,200}\)){1,4000}")
_TAG: Final = re.compile(
    r"<(?=[\s/]{0,4}(?:img|image|picture|source|video|audio|track|iframe|frame|object|embed|svg|link|style|script|form|"
    r"input|base|meta|body|table|td|portal)\b)",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_HARMLESS: Final = ("mailto:", "tel:")
_TRAILING: Final = ".,;:!?)*_~"
_SIGNS: Final = ("://", ":\\", "//", "\\\\", "www.", "](", "]:", ":/", "<", "&", "WWW.", "Www.")


class Links:
    """The links that a session has read, and from when on they matter."""

    def __init__(self) -> None:
        self.untrusted = False
        self._hosts: set[str] = set()
        self._urls: set[int] = set()

    def take(self, entry: Entry, *, untrusted: bool) -> None:
        """Note the links of an entry; hosts count if the user named them."""
        self.untrusted = self.untrusted or untrusted
        text = entry.text
        if isinstance(entry, MemoryEntry):
            text = "\n".join((text, *(memory.text for memory in entry.memories)))
        if isinstance(entry, UserEntry) and entry.role != "message":
            return  # Holdfast writes such entries, too, with texts of calls and tools in them
        if isinstance(entry, UserEntry):
            self._hosts.update(name.lower() for name in _NAME.findall(text))
        elif untrusted:
            text = text.replace("\\/", "/")
            for hint, pattern in _READ:
                if hint in text and len(self._urls) < _MOST:
                    self._urls.update(hash(_plain(url)) for url in pattern.findall(text)[:_MOST])

    def checked(
        self, text: str, allowed: Collection[str], instructions: str = "", *, is_json: bool = False
    ) -> str:
        """The reply with links removed that its model may have built. ``allowed`` are hosts; ``*.a.b`` with subdomains."""
        if not self.untrusted or ANY in allowed or not any(sign in text for sign in _SIGNS):
            return text
        known = self._hosts | _hosts_of(instructions)

        def judge(url: str, *, image: bool) -> bool:
            host = _host(url)
            named = host in known or any(_matches(host, each) for each in allowed)
            return named or (not image and hash(_plain(url)) in self._urls)

        if is_json:
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return _without(text, judge)
            cleaned = _each(value, judge)
            return text if cleaned == value else dump_json(cleaned)
        return _without(text, judge)

    def partial(self, text: str, allowed: Collection[str], instructions: str = "") -> str:
        """A reply that is being streamed, without its last word while that may become a link."""
        if not self.untrusted or ANY in allowed:
            return text
        start = max(text.rfind(" "), text.rfind("\n")) + 1
        if any(sign in text[start:] for sign in _SIGNS) or text[start:].startswith(("!", "[")):
            text = text[:start]
        return self.checked(text, allowed, instructions)


Judge = Callable[..., bool]


def _without(text: str, judge: Judge) -> str:
    def bare(found: re.Match[str]) -> str:
        url = found[0].rstrip(_TRAILING)
        if judge(url, image=False):
            return found[0]
        return _removed(url) + found[0][len(url) :]

    return _URL.sub(bare, _without_targets(_TAG.sub("&lt;", text), judge))


def _without_targets(text: str, judge: Judge) -> str:
    """Remove targets of markdown links, images and definitions, also where labels hold further brackets."""
    referred = _IMAGE_REFERENCE.search(text) is not None
    opened: list[bool] = []  # for each open bracket, whether it is an image's
    images = place = end = 0
    parts: list[str] = []
    while found := _BRACKET.search(text, place):
        place = found.end()
        if found[0].endswith("["):
            opened.append(found[0] == "![")
            images += opened[-1]
            continue
        if found[0][0] != "]":
            continue
        # A bracket in code is none, so within an image everything counts as its target.
        image = not opened or images > 0 or (referred and (found[1] or "").startswith(":"))
        images -= opened.pop() if opened else 0
        target = _TARGET.match(text, place) if found[1] else None
        if target is None:
            continue
        place = target.end()
        raw = target[0].strip("<>")
        url = _decoded(raw)
        if (_leads_away(url) or _leads_away(raw)) and not judge(url, image=image):
            parts += [text[end : target.start()], _removed(url)]
            end = place
    return "".join([*parts, text[end:]])


def _each(value: Any, judge: Judge) -> Any:
    if isinstance(value, str):
        return _without(value, judge)
    if isinstance(value, list):
        return [_each(item, judge) for item in value]  # pyright: ignore[reportUnknownVariableType]  # any JSON
    if isinstance(value, dict):
        return {_without(str(key), judge): _each(item, judge) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # the same
    return value


def _decoded(url: str) -> str:
    """A destination as a renderer reads it: without escapes, entities and characters that browsers skip."""
    return _CONTROL.sub("", html.unescape(_ESCAPE.sub(r"\1", url)))


def _leads_away(url: str) -> bool:
    if url.lower().startswith(_HARMLESS):
        return False
    return bool(_SCHEME.match(url)) or url[:2].replace("\\", "/") == "//"


def _host(url: str) -> str:
    plain = url.replace("\\", "/")
    rest = (
        plain
        if plain.lower().startswith("www.")
        else plain.partition(":")[2]
        if _SCHEME.match(plain)
        else plain
    )
    try:
        return (urlsplit("//" + rest.lstrip("/")).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _plain(url: str) -> str:
    return url.rstrip(_TRAILING).replace("\\/", "/")


def _matches(host: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _removed(url: str) -> str:
    host = re.sub(r"[^a-z0-9.-]", "", _host(url))[:100].replace(".", "[.]")
    return f"[link removed: {host or 'unknown'}]"


@lru_cache(maxsize=256)
def _hosts_of(instructions: str) -> frozenset[str]:
    return frozenset(name.lower() for name in _NAME.findall(instructions))
