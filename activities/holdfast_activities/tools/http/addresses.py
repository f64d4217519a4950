"""Which IP addresses may be connected to.

Python's ``ipaddress`` decides what is global. The table adds networks that it treats as global, or that embed
another address, and gives every network the name that a refusal shows.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from .refusals import refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA: Final = "169.254.169.254 169.254.170.2 169.254.169.253 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254"

_TABLE: Final = {
    "metadata": _METADATA,
    "unspecified": "0.0.0.0/8 ::/128",
    "loopback": "127.0.0.0/8 ::1/128",
    "link_local": "169.254.0.0/16 fe80::/10",
    "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
    "carrier_grade_nat": "100.64.0.0/10",
    "multicast": "224.0.0.0/4 ff00::/8",
    "ipv4_mapped": "::ffff:0:0/96",
    "ipv4_translated": "::ffff:0:0:0/96",
    "ipv4_compatible": "::/96",
    "nat64": "64:ff9b::/96 64:ff9b:1::/48",
    "6to4": "2002::/16 192.88.99.0/24",
    "teredo": "2001::/32",
    "documentation": "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    "benchmarking": "198.18.0.0/15 2001:2::/48",
    "discard": "100::/64 100:0:0:1::/64",
    "reserved": "192.0.0.0/24 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 240.0.0.0/4 2001::/23 5f00::/16",
}
RULES: Final[Sequence[tuple[str, Sequence[Network]]]] = [
    (rule, [ip_network(text) for text in networks.split()]) for rule, networks in _TABLE.items()
]
_GLOBAL: Final = IPv6Network("2000::/3")
_NEVER_ALLOWED: Final = frozenset(
    {
        "metadata",
        "unspecified",
        "multicast",
        "ipv4_mapped",
        "ipv4_translated",
        "ipv4_compatible",
        "nat64",
        "6to4",
        "teredo",
    }
)


def rule_against(address: Address) -> str:
    """The rule that refuses an address; empty if it is a public one."""
    for rule, networks in RULES:
        if any(address in network for network in networks):
            return rule
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL:
            return "reserved"
        if int(address) >> 32 & 0xFDFF_FFFF == 0x5EFE:  # ::[02]00:5efe:a.b.c.d, ISATAP
            return "isatap"
    return "" if address.is_global and not address.is_multicast else "not_global"


def check(address: Address, host: str, private: Sequence[Network]) -> None:
    """Refuse an address unless it is public, or in the networks that are given for its host.

    Raises:
        EgressRefused: With the rule.
    """
    rule = rule_against(address)
    if isinstance(address, IPv6Address) and address.scope_id:
        rule = "zone_id"
    inside = any(address in network for network in private)
    if private and not inside:
        raise refused(
            "private_networks",
            f"{host} is at {address}, which is not in the networks declared for it",
            "its author may add the network to HttpTool(private={…})",
        )
    if rule and not (inside and rule not in _NEVER_ALLOWED and rule != "zone_id"):
        raise refused(
            rule,
            f"{host} is at {address}, which is not a public address",
            "use a public host; in-house services are declared with HttpTool(private={…})",
        )
