"""URL patterns: the origins and paths that an HTTP tool may request."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from ..errors import InvalidDeclaration

PORTS: Final = {"http": 80, "https": 443}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
"""A lower-case host name without a final dot."""

_PATTERN: Final = re.compile(
    r"(?:(https?)://)?(\*\.)?(\[[0-9a-f:.]+\]|\*|[^/:\[\]*]+)(?::(\d{1,5}))?(/[!-~]*)?"
)
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """Parsed form of ``[scheme://]host[:port][/path]``.

    ``host`` is empty for every host. With ``subdomains`` the pattern is for hosts below ``host`` only.
    ``path`` is a prefix: ``/v1`` allows ``/v1`` and ``/v1/…``, not ``/v10``.
    """

    text: str
    scheme: str
    host: str
    subdomains: bool
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def exact(self) -> bool:
        """Whether it allows a single host."""
        return bool(self.host) and not self.subdomains

    def allows(self, scheme: str, host: str, port: int, path: str) -> bool:
        """Whether a URL fits. ``path`` is absolute and has no dot segments."""
        return (
            (scheme, port) == (self.scheme, self.port)
            and self._allows_host(host)
            and (self.path == "/" or path == self.path or path.startswith(self.path.rstrip("/") + "/"))
        )

    def _allows_host(self, host: str) -> bool:
        if self.exact:
            return host == self.host
        return not self.host or host.endswith(f".{self.host}")


def read_pattern(text: str, where: str) -> UrlPattern:
    """Parse a pattern; the scheme is https unless it is given.

    Raises:
        InvalidDeclaration: It is not of that form; the detail says what to write.
    """
    found = _PATTERN.fullmatch(text.lower() if "/" not in text.partition("://")[2] else _lowered(text))
    if found is None:
        raise InvalidDeclaration(
            f'{where} has {text!r}; write "https://api.example.com", "https://*.example.com/v1" or "https://*"'
        )
    scheme, wildcard, host, port, path = found.groups()
    scheme = scheme or "https"
    number = int(port) if port else PORTS[scheme]
    if not 0 < number < 65_536:
        raise InvalidDeclaration(f"{where} has {text!r} with port {number}; ports are from 1 to 65535")
    if "%" in (path or "") or not plain_path(path or "/"):
        raise InvalidDeclaration(f"{where} has {text!r}; write its path without '.', '..', '%' and '\\'")
    host = "" if host == "*" else _host(host, text, where)
    return UrlPattern(text, scheme, host, wildcard is not None, number, path or "/")


def plain_path(path: str) -> bool:
    """Whether a path is free of dot segments, and of escapes that a server may decode to them or to slashes."""
    lowered = path.lower()
    if any(escape in lowered for escape in ("\\", "%5c", "%2f", "%00")):
        return False
    # %25 may become a second escape on a server that decodes twice.
    segments = lowered.replace("%25", "%").replace("%2e", ".").split("/")
    return not any(segment.partition(";")[0] in (".", "..") for segment in segments)


def numeric(host: str) -> bool:
    """Whether a resolver may take a host name for an IPv4 address: short, octal, decimal or hexadecimal forms."""
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _lowered(text: str) -> str:
    """The pattern with its scheme and host in lower case, and its path unchanged."""
    start = text.find("/", text.find("://") + 3 if "://" in text else 0)
    return text.lower() if start < 0 else text[:start].lower() + text[start:]


def _host(host: str, text: str, where: str) -> str:
    bare = host.strip("[]")
    try:
        address = ip_address(bare)
    except ValueError:
        if host.startswith("[") or numeric(host) or not NAME.fullmatch(host):
            raise InvalidDeclaration(
                f"{where} has {text!r}, whose host is not a host name or an IP address; "
                "write names with other letters in their xn-- form, without a final dot"
            ) from None
        return host
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)
