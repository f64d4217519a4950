"""The URL of a request: parsed strictly, and compared with the allow list.

The request is sent with the parts found here. No second parser reads the URL, so none can read another host.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import quote, urljoin

from holdfast_workflows.contracts.text.unicode import preview
from holdfast_workflows.contracts.tools.http import LONGEST_URL
from holdfast_workflows.contracts.tools.url_patterns import (
    NAME,
    PORTS,
    UrlPattern,
    numeric,
    plain_path,
    read_pattern,
)

from .refusals import refused

_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:@\[\]%]+)(?::([0-9]{1,5}))?", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"
_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. ``host`` is a name, an IPv4 address, or an IPv6 address in brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    private: tuple[IPv4Network | IPv6Network, ...] = ()
    """The networks it must be in; empty for a public host."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}{self.query}"


class AllowList:
    """The URLs that a tool may request."""

    def __init__(self, allow: Sequence[str], private: dict[str, tuple[str, ...]]) -> None:
        inside = [
            (read_pattern(text, "private"), tuple(map(ip_network, nets))) for text, nets in private.items()
        ]
        self._patterns: list[tuple[UrlPattern, tuple[IPv4Network | IPv6Network, ...]]] = [
            *inside,
            *((read_pattern(text, "allow"), ()) for text in allow),
        ]

    def read(self, url: str) -> Target:
        """Parse a URL and find the pattern that allows it.

        Raises:
            EgressRefused: It is malformed or not allowed.
        """
        target = parse(url)
        for pattern, networks in self._patterns:
            if pattern.allows(target.scheme, target.host, target.port, target.path):
                return Target(*target.origin, target.path, target.query, networks)
        allowed = ", ".join(pattern.text for pattern, _ in self._patterns)
        raise refused(
            "allow_list", f"{preview(str(target))} is not on the allow list", f"allowed are: {allowed}"
        )

    def redirected(self, base: Target, location: str) -> Target:
        """The target of a redirect, checked like every other.

        Raises:
            EgressRefused: It is not allowed, or would leave TLS.
        """
        target = self.read(location if _URL.match(location) else urljoin(str(base), location))
        if base.scheme == "https" and target.scheme != "https":
            raise refused("downgrade", f"{base} redirects to {target} without TLS", "use another URL")
        return target


def parse(url: str) -> Target:
    """Parse an absolute URL of http or https.

    Raises:
        EgressRefused: It is malformed, or parsers may disagree about it.
    """
    shown = preview(url, 200)
    if len(url) > LONGEST_URL or _UNSAFE.search(url):
        raise refused("url_syntax", f"{shown!r} contains spaces, control characters or '\\'", "escape them")
    found = _URL.fullmatch(url)
    if found is None:
        raise refused("url_syntax", f"{shown!r} is not an absolute URL", 'begin with "https://"')
    scheme = found["scheme"].lower()
    if scheme not in PORTS:
        raise refused("scheme", f"{scheme}: is not allowed", "use https")
    if "@" in found["authority"]:
        raise refused("user_info", f"{shown!r} has a user name before its host", "leave it out")
    parts = _AUTHORITY.fullmatch(found["authority"])
    if parts is None:
        raise refused("host_syntax", f"{shown!r} has an invalid host or port", "write host or host:port")
    port = int(parts[2] or PORTS[scheme])
    if not 0 < port < 65_536:
        raise refused("port", f"port {port} does not exist", "use a port from 1 to 65535")
    path, query = (quote(found[part] or "", safe=_KEPT) for part in ("path", "query"))
    if _ESCAPE.search(path + query):
        raise refused("url_syntax", f"{shown!r} has an incomplete escape", "write '%' as %25")
    if not plain_path(path):
        raise refused(
            "path", f"{shown!r} has '.', '..', an escaped slash or '\\' in its path", "write it out"
        )
    return Target(scheme, _host(parts[1].lower(), shown), port, path or "/", query)


def _host(host: str, shown: str) -> str:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        if host.startswith("[") or numeric(host):
            raise refused(
                "address_syntax",
                f"{shown!r} has a host that resolvers read as an address in different ways",
                "write IPv4 addresses as four decimal numbers",
            ) from None
        if NAME.fullmatch(host):
            return host
        raise refused(
            "host_syntax",
            f"{shown!r} has an invalid host name",
            "use ASCII letters, digits and '-', without a final dot; write other letters in their xn-- form",
        ) from None
    if isinstance(address, IPv4Address):
        return str(address)
    assert isinstance(address, IPv6Address)
    return f"[{address}]"
