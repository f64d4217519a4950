"""Sixty ways to reach an inside address; none reaches the canary. Twenty good URLs pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from holdfast import EgressRefused, HttpTool
from holdfast_activities.tools.http import addresses
from tests.activities.tools.http.sites import PUBLIC, Asked, Internet, Names, Site, bound, get, response, site

LITERALS = {
    "http://127.0.0.1/": "loopback",
    "http://127.8.8.8/": "loopback",
    "http://0.0.0.0/": "unspecified",
    "http://10.0.0.1/": "private",
    "http://172.16.0.1/": "private",
    "http://172.31.255.254/": "private",
    "http://192.168.1.1/": "private",
    "http://100.64.0.1/": "carrier_grade_nat",
    "http://169.254.1.1/": "link_local",
    "http://169.254.169.254/latest/meta-data/": "metadata",
    "http://100.100.100.200/": "metadata",
    "http://168.63.129.16/": "metadata",
    "http://192.0.0.192/": "metadata",
    "http://192.0.0.8/": "reserved",
    "http://192.88.99.1/": "6to4",
    "http://198.18.0.1/": "benchmarking",
    "http://203.0.113.7/": "documentation",
    "http://224.0.0.1/": "multicast",
    "http://239.255.255.250/": "multicast",
    "http://240.0.0.1/": "reserved",
    "http://255.255.255.255/": "reserved",
    "http://[::1]/": "loopback",
    "http://[::]/": "unspecified",
    "http://[0:0:0:0:0:ffff:7f00:1]/": "ipv4_mapped",
    "http://[::ffff:127.0.0.1]/": "ipv4_mapped",
    "http://[::ffff:169.254.169.254]/": "ipv4_mapped",
    "http://[::127.0.0.1]/": "ipv4_compatible",
    "http://[::ffff:0:127.0.0.1]/": "ipv4_translated",
    "http://[64:ff9b::7f00:1]/": "nat64",
    "http://[64:ff9b:1::7f00:1]/": "nat64",
    "http://[2002:7f00:1::]/": "6to4",
    "http://[2001:0:7f00:1::1]/": "teredo",
    "http://[2607:f8b0::5efe:7f00:1]/": "isatap",
    "http://[fe80::1]/": "link_local",
    "http://[fec0::1]/": "private",
    "http://[fd00:ec2::254]/": "metadata",
    "http://[fd12:3456::1]/": "private",
    "http://[ff02::1]/": "multicast",
    "http://[100::1]/": "discard",
    "http://[2001:db8::1]/": "documentation",
    "http://[5f00::1]/": "reserved",
    "http://[4000::1]/": "reserved",
    "http://[fe80::1%25eth0]/": "host_syntax",
    "http://2130706433/": "address_syntax",
    "http://0x7f000001/": "address_syntax",
    "http://0x7f.0.0.1/": "address_syntax",
    "http://017700000001/": "address_syntax",
    "http://0177.0.0.1/": "address_syntax",
    "http://127.1/": "address_syntax",
    "http://127.0.1/": "address_syntax",
    "http://127.0.0.1./": "address_syntax",
    "http://127.0.0.1%2f@example.com/": "user_info",
    "http://example.com@127.0.0.1/": "user_info",
    "http://example.com:80@127.0.0.1/": "user_info",
    "http://127.0.0.1\\@example.com/": "url_syntax",
    "http://example.com\\@127.0.0.1/": "url_syntax",
    "http://127%2e0%2e0%2e1/": "host_syntax",
    "http://①②⑦.0.0.1/": "address_syntax",
    "http://localhost\u3002example.com/": "host_syntax",
    "http://127.0.0.1\t.example.com/": "url_syntax",
    "http:///127.0.0.1/": "host_syntax",
    "http://example.com:0/": "port",
    "http://[::1]x/": "host_syntax",
    "file:///etc/passwd": "scheme",
    "gopher://127.0.0.1:6379/_INFO": "scheme",
    "//127.0.0.1/": "url_syntax",
    " http://127.0.0.1/": "url_syntax",
    "http://example.com/\n": "url_syntax",
}
"""URLs, with the rule that refuses each of them."""

RESOLVED: dict[str, Sequence[Sequence[str]]] = {
    "one-inside.example": [["127.0.0.1"]],
    "six.example": [["::1"]],
    "mapped.example": [["::ffff:10.0.0.1"]],
    "mixed.example": [[PUBLIC, "169.254.169.254"]],
    "mixed-six.example": [["2606:4700::1111", "fe80::1"]],
    "zone.example": [["fe80::1%2"]],
    "zone-global.example": [["2606:4700::1111%2"]],
    "localhost": [["127.0.0.1"]],
    "metadata.google.internal": [["169.254.169.254"]],
}
"""Names that lead inside, with the answers of their DNS servers."""

REDIRECTS = [
    "http://127.0.0.1/",
    "//127.0.0.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://one-inside.example/",
    "http://0x7f.1/",
    "file:///etc/passwd",
    "http://user@127.0.0.1/",
]

GOOD = [
    "http://example.com/",
    "http://example.com",
    "http://EXAMPLE.com/",
    "http://example.com:80/",
    "http://example.com/?q=a%20b",
    "http://example.com?q=1",
    "http://example.com/a/b.html#part",
    "http://example.com/a%20b",
    "http://example.com/Zürich?stadt=Köln",
    "http://example.com/a/..b/c",
    "http://example.com/...",
    "http://example.com/@user",
    "http://example.com/;v=1",
    "http://example.com/?u=http://127.0.0.1/",
    "http://xn--bcher-kva.example/",
    "http://a-b.c-d.example.org/",
    "http://1password.com/",
    "http://8.8.8.8/",
    "http://[2606:4700::1111]/",
    "http://example.com:080/",
]


@pytest.fixture
async def canary() -> AsyncIterator[Site]:
    async with site() as found:
        yield found


@pytest.mark.parametrize(("url", "rule"), LITERALS.items())
async def test_a_url_that_leads_inside_is_refused_by_its_rule(canary: Site, url: str, rule: str) -> None:
    tool = bound(HttpTool("web", allow=["http://*", "https://*"]), Names({}), Internet(canary, {}))
    with pytest.raises(EgressRefused, match=rule) as refused:
        await get(tool, url)
    assert refused.value.rule == rule
    assert not canary.asked


@pytest.mark.parametrize("name", RESOLVED)
async def test_a_name_that_leads_inside_is_refused(canary: Site, name: str) -> None:
    tool = bound(HttpTool("web", allow=["http://*"]), Names(RESOLVED), Internet(canary, {}))
    with pytest.raises(EgressRefused):
        await get(tool, f"http://{name}/")
    assert not canary.asked


@pytest.mark.parametrize("location", REDIRECTS)
async def test_a_redirect_that_leads_inside_is_refused(canary: Site, location: str) -> None:
    async with site(lambda _: response(status="302 Found", location=location)) as first:
        tool = bound(HttpTool("web", allow=["http://*"]), Names(RESOLVED), Internet(canary, {PUBLIC: first}))
        with pytest.raises(EgressRefused):
            await get(tool, "http://example.com/")
        assert len(first.asked) == 1
    assert not canary.asked


def _unchecked(*_: object) -> None: ...


@pytest.mark.parametrize("vector", [*LITERALS, *(f"http://{name}/" for name in RESOLVED)])
async def test_the_canary_can_be_reached_without_the_guard(
    canary: Site, monkeypatch: pytest.MonkeyPatch, vector: str
) -> None:
    """Without the check of addresses, what is an address by syntax or by DNS arrives."""
    monkeypatch.setattr("holdfast_activities.tools.http.backend.check", _unchecked)
    tool = bound(HttpTool("web", allow=["http://*"]), Names(RESOLVED), Internet(canary, {}))
    by_syntax = LITERALS.get(vector) in {
        "host_syntax",
        "address_syntax",
        "user_info",
        "url_syntax",
        "port",
        "scheme",
    }
    if by_syntax:
        with pytest.raises(EgressRefused):
            await get(tool, vector)
    else:
        assert "hello" in await get(tool, vector)
    assert len(canary.asked) == (not by_syntax)


@pytest.mark.parametrize("url", GOOD)
async def test_a_good_url_passes(canary: Site, url: str) -> None:
    async with site() as good:
        internet = Internet(canary, {PUBLIC: good, "8.8.8.8": good, "2606:4700::1111": good})
        tool = bound(HttpTool("web", allow=["http://*"]), Names({}), internet)
        assert (await get(tool, url)).startswith("200 OK")
        assert len(good.asked) == 1
    assert not canary.asked


def test_there_are_sixty_vectors_and_twenty_good_urls() -> None:
    assert len(LITERALS) + len(RESOLVED) + len(REDIRECTS) >= 60
    assert len(GOOD) == 20


@pytest.mark.parametrize("rule", [rule for rule, _ in addresses.RULES])
def test_every_network_of_the_table_is_refused_at_both_ends(rule: str) -> None:
    for network in dict(addresses.RULES)[rule]:
        assert addresses.rule_against(network[0])
        assert addresses.rule_against(network[-1])


async def test_a_name_that_answers_differently_the_second_time_stays_pinned(canary: Site) -> None:
    names = Names({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
    async with site() as good:
        internet = Internet(canary, {PUBLIC: good})
        tool = bound(HttpTool("web", allow=["http://*"]), names, internet)
        assert "hello" in await get(tool, "http://rebind.example/")
        with pytest.raises(EgressRefused, match="loopback"):
            await get(tool, "http://rebind.example/")
    assert internet.connected == [(PUBLIC, 80)]
    assert not canary.asked


async def test_a_name_is_resolved_again_and_checked_at_each_redirect(canary: Site) -> None:
    names = Names({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})

    def again(asked: Asked) -> bytes:
        return response(status="302 Found", location="/next")

    async with site(again) as good:
        tool = bound(HttpTool("web", allow=["http://*"]), names, Internet(canary, {PUBLIC: good}))
        with pytest.raises(EgressRefused, match="loopback"):
            await get(tool, "http://rebind.example/")
    assert len(names.queries) == 2
    assert not canary.asked
