"""The domains of addresses and URLs in a value. What can be read in two ways is not judged."""

import re
from typing import Any

from .values import as_list

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?P<domain>[\w.-]{1,253})", re.ASCII)
_NAMED = re.compile(r"[^<>@\"\\]{0,200}<(?P<address>[^<>\s]{1,320})>")
_URL = re.compile(r"https?://(?P<domain>[\w.-]{1,253})(:\d{1,5})?([/?#][^\s\\]*)?", re.ASCII | re.IGNORECASE)


def within(value: Any, domains: tuple[str, ...]) -> bool | None:
    """Whether every address or URL of a value is in the domains; ``*.acme.com`` are all below ``acme.com``.

    No address at all is within; None if a part is neither an address nor a URL.
    """
    if value is None:
        return True
    items = as_list(value)
    if isinstance(value, list):
        results = [within(each, domains) for each in items]
        return False if False in results else None if None in results else True
    if not isinstance(value, str):
        return None
    parts = [part.strip() for part in re.split(r"[,;]", value)] if "://" not in value else [value.strip()]
    found = [_domain(part) for part in parts if part]
    if any(each and not _listed(each, domains) for each in found):
        return False
    return True if all(found) else None


def _domain(part: str) -> str:
    """The domain of one address or URL; empty if it is not certain."""
    if (url := _URL.fullmatch(part)) is not None:
        return url["domain"].lower().rstrip(".")
    named = _NAMED.fullmatch(part)
    address = _ADDRESS.fullmatch(named["address"] if named else part)
    return address["domain"].lower().rstrip(".") if address else ""


def _listed(domain: str, domains: tuple[str, ...]) -> bool:
    return any(
        domain.endswith(each[1:].lower()) if each.startswith("*.") else domain == each.lower()
        for each in domains
    )
