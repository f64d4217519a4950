"""Each protection of HTTP requests, and what happens without it."""

from __future__ import annotations

import gzip
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpcore
import httpx
import pytest
import trustme

from holdfast import EffectUnknown, EgressRefused, HttpTool, ToolFailed
from holdfast_activities.tools.http import backend, body, exchange, targets
from holdfast_activities.tools.http import tool as requests
from tests.activities.tools.http.sites import PUBLIC, Asked, Internet, Names, bound, get, response, site

OTHER = "93.184.215.99"


class CheckThenConnect(backend.PinnedBackend):
    """A careless guard: it checks a name, then connects by name, so the name is resolved again."""

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        await self.addresses()
        again = await self._resolver(host, port)
        return await self._inner.connect_tcp(again[0], port)


@pytest.mark.parametrize("pinned", [True, False])
async def test_only_the_pin_keeps_a_rebinding_name_from_the_canary(
    monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    if not pinned:
        monkeypatch.setattr(backend, "PinnedBackend", CheckThenConnect)
    names = Names({"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
    async with site() as canary, site() as good:
        tool = bound(HttpTool("web", allow=["http://*"]), names, Internet(canary, {PUBLIC: good}))
        await get(tool, "http://rebind.example/")
        assert (len(canary.asked), len(good.asked)) == ((0, 1) if pinned else (1, 0))


@pytest.mark.parametrize("checked", [True, False])
async def test_a_connection_that_reached_another_peer_is_closed(
    monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    if not checked:

        async def nothing(*_: object) -> None: ...

        monkeypatch.setattr(backend.PinnedBackend, "_check_peer", nothing)
    async with site() as good:
        tool = bound(HttpTool("web", allow=["http://*"]), Names({}), Internet(good, {}, peer="10.0.0.1"))
        if checked:
            with pytest.raises(EgressRefused, match="'peer'"):
                await get(tool, "http://example.com/")
        else:
            await get(tool, "http://example.com/")
        assert bool(good.asked) != checked


@pytest.mark.parametrize("checked", [True, False])
async def test_a_redirect_to_a_host_that_is_not_allowed_is_refused(
    monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    if not checked:

        def unchecked(_: object, __: object, location: str) -> targets.Target:
            return targets.parse(location)

        monkeypatch.setattr(targets.AllowList, "redirected", unchecked)
    names = Names({"other.example": [[OTHER]]})
    async with (
        site() as other,
        site(lambda _: response(status="302 Found", location="http://other.example/")) as one,
    ):
        internet = Internet(other, {PUBLIC: one, OTHER: other})
        tool = bound(HttpTool("web", allow=["http://example.com"]), names, internet)
        if checked:
            with pytest.raises(EgressRefused, match="allow_list"):
                await get(tool, "http://example.com/")
        else:
            await get(tool, "http://example.com/")
        assert bool(other.asked) != checked


@pytest.mark.parametrize("dropped", [True, False])
async def test_credentials_do_not_follow_a_redirect_to_another_origin(
    monkeypatch: pytest.MonkeyPatch, dropped: bool
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    if not dropped:

        def kept(headers: dict[str, str], *_: object) -> dict[str, str]:
            return headers

        monkeypatch.setattr(requests, "_carried", kept)
    hosts = ["http://example.com", "http://other.example"]
    tool = HttpTool("shop", allow=hosts, headers={"Authorization": "Bearer ${env:SHOP_TOKEN}"})

    def first(asked: Asked) -> bytes:
        # Back to the first origin by way of another: credentials are not taken up again.
        return (
            response(b"end")
            if asked.path == "/end"
            else response(status="302 Found", location=f"{hosts[1]}/")
        )

    async with (
        site(first) as one,
        site(lambda _: response(status="302 Found", location=f"{hosts[0]}/end")) as two,
    ):
        internet = Internet(two, {PUBLIC: one, OTHER: two})
        await get(bound(tool, Names({"other.example": [[OTHER]]}), internet), "http://example.com/")
        seen = [asked.headers.get("authorization") for asked in (*one.asked[:1], *two.asked, *one.asked[1:])]
    assert seen == (["Bearer t0ken", None, None] if dropped else ["Bearer t0ken"] * 3)


async def test_credentials_stay_within_their_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    tool = HttpTool("shop", allow=["http://example.com"], headers={"X-Key": "env:SHOP_TOKEN"})

    def answer(asked: Asked) -> bytes:
        return response(b"end") if asked.path == "/b" else response(status="301 Moved", location="b")

    async with site(answer) as one:
        text = await get(bound(tool, Names({}), Internet(one, {})), "http://example.com/a")
        assert [asked.headers["x-key"] for asked in one.asked] == ["t0ken", "t0ken"]
    assert text.startswith("200 OK\nurl: http://example.com/b\n")
    assert text.endswith("\n\nend")


async def test_a_redirect_out_of_tls_is_refused() -> None:
    allowed = targets.AllowList(["https://example.com", "http://example.com"], {})
    with pytest.raises(EgressRefused, match="downgrade"):
        allowed.redirected(allowed.read("https://example.com/"), "http://example.com/")


async def test_redirects_end_after_their_number() -> None:
    async with site(lambda _: response(status="302 Found", location="/")) as one:
        tool = bound(HttpTool("web", allow=["http://*"], max_redirects=2), Names({}), Internet(one, {}))
        with pytest.raises(EgressRefused, match="more than 2 times"):
            await get(tool, "http://example.com/")
        assert len(one.asked) == 3


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_cut_at_the_limit(
    monkeypatch: pytest.MonkeyPatch, coding: str, limited: bool
) -> None:
    if not limited:

        def everything(self: Any, data: bytes, _: int) -> bytes:
            return cast("bytes", self._zlib.decompress(data))

        monkeypatch.setattr(body.Decoder, "decode", everything)
    zeros = b" " * 20_000_000
    packed = gzip.compress(zeros) if coding == "gzip" else zlib.compress(zeros)
    kept: list[int] = []
    monkeypatch.setattr(body, "bytearray", lambda: _Watched(kept), raising=False)
    async with site(lambda _: response(packed, content_encoding=coding, content_type="text/plain")) as one:
        tool = bound(HttpTool("web", allow=["http://*"], max_bytes=100_000), Names({}), Internet(one, {}))
        text = await get(tool, "http://example.com/")
    assert "only the first 100,000 bytes were read" in text
    assert (max(kept) <= 100_001) == limited


class _Watched:
    """A buffer that notes how long it became."""

    def __init__(self, lengths: list[int]) -> None:
        self._data = bytearray()
        self._lengths = lengths

    def __iadd__(self, more: bytes) -> _Watched:
        self._data += more
        self._lengths.append(len(self._data))
        return self

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, part: slice) -> bytes:
        return bytes(self._data[part])


async def test_a_long_body_is_read_up_to_the_limit() -> None:
    async with site(lambda _: response(b"x" * 300_000, content_type="text/plain")) as one:
        tool = bound(HttpTool("web", allow=["http://*"], max_bytes=1_000), Names({}), Internet(one, {}))
        text = await get(tool, "http://example.com/")
    assert "only the first 1,000 bytes were read" in text
    assert text.count("x") == 1_000 + text.split("\n\n")[0].count("x")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_a_coding_that_was_not_asked_for_is_not_decoded(coding: str) -> None:
    async with site(
        lambda _: response(b"\x8b" * 9, content_encoding=coding, content_type="text/plain")
    ) as one:
        tool = bound(HttpTool("web", allow=["http://*"]), Names({}), Internet(one, {}))
        assert "is not supported" in await get(tool, "http://example.com/")


def _dripping(asked: Asked) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_response_that_never_ends_is_given_up(method: str) -> None:
    async with site(_dripping, hangs=True) as one:
        given = HttpTool("web", allow=["http://*"], methods=["GET", "POST"], timeout=0.3)
        tool = bound(given, Names({}), Internet(one, {}))
        with pytest.raises(EffectUnknown if method == "POST" else ToolFailed, match=r"within 0\.3 s"):
            await get(tool, "http://example.com/", method=method)


@pytest.mark.parametrize("ours", [True, False])
async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    async with site() as proxy, site() as good:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        if ours:
            tool = bound(HttpTool("web", allow=["http://*"]), Names({}), Internet(proxy, {PUBLIC: good}))
            await get(tool, "http://example.com/")
        else:
            async with httpx.AsyncClient() as client:
                await client.get("http://example.com/")
        assert (len(proxy.asked), len(good.asked)) == ((0, 1) if ours else (1, 0))


@pytest.mark.parametrize("name", ["api.example", "other.example"])
async def test_tls_checks_the_name_and_not_the_address(tmp_path: Path, name: str) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("api.example").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] # it takes pyOpenSSL's contexts, too
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    asked: list[str] = []

    def note(_: object, server: str | None, __: object) -> None:
        asked.append(server or "")

    context.sni_callback = note
    async with site(tls=context) as one:
        given = HttpTool("web", allow=["https://*"], ca_file=str(tmp_path / "ca.pem"))
        tool = bound(given, Names({}), Internet(one, {}))
        if name == "api.example":
            assert "hello" in await get(tool, f"https://{name}/")
        else:
            with pytest.raises(ToolFailed, match="certificate"):
                await get(tool, f"https://{name}/")
    assert asked == [name]
    exchange.tls.cache_clear()


@pytest.mark.parametrize(
    ("pattern", "network", "passes"),
    [
        ("http://billing.internal", "10.20.0.0/16", True),
        ("http://billing.internal", "10.30.0.0/16", False),
        ("http://other.internal", "10.20.0.0/16", False),
        ("http://billing.internal:8080", "10.20.0.0/16", False),
    ],
)
async def test_a_private_service_is_reached_only_in_its_network(
    pattern: str, network: str, passes: bool
) -> None:
    async with site() as one:
        names = Names({"billing.internal": [["10.20.1.1"]]})
        tool = bound(HttpTool("web", private={pattern: network}), names, Internet(one, {}))
        if passes:
            assert "hello" in await get(tool, "http://billing.internal/")
        else:
            with pytest.raises(EgressRefused, match=r"private_networks|allow_list"):
                await get(tool, "http://billing.internal/")
        assert bool(one.asked) == passes
        assert set(names.queries) <= {"billing.internal"}


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:10.20.1.1", "fe80::1%3"])
async def test_no_declaration_opens_metadata_or_another_form_of_an_address(address: str) -> None:
    async with site() as canary:
        given = HttpTool(
            "web", private={"http://in.example": ["169.254.0.0/16", "::ffff:0:0/96", "fe80::/10"]}
        )
        tool = bound(given, Names({"in.example": [[address]]}), Internet(canary, {}))
        with pytest.raises(EgressRefused, match=r"metadata|ipv4_mapped|zone_id"):
            await get(tool, "http://in.example/")
        assert not canary.asked


async def test_a_real_socket_reports_the_peer_that_is_checked() -> None:
    async with site() as one:
        url = f"http://127.0.0.1:{one.port}"
        tool = bound(HttpTool("web", private={url: "127.0.0.0/8"}), Names({}))
        assert "hello" in await get(tool, url)


async def test_a_private_path_is_a_prefix_that_dots_do_not_leave() -> None:
    async with site() as one:
        tool = bound(HttpTool("web", allow=["http://example.com/v1"]), Names({}), Internet(one, {}))
        await get(tool, "http://example.com/v1")
        await get(tool, "http://example.com/v1/a?b")
        for path in (
            "/v10",
            "/",
            "/v1/../admin",
            "/v1/%2e%2e/admin",
            "/v1/..%2fadmin",
            "/v1/%252e%252e/a",
            "/v1\\..",
        ):
            with pytest.raises(EgressRefused):
                await get(tool, f"http://example.com{path}")
    assert [asked.path for asked in one.asked] == ["/v1", "/v1/a?b"]
