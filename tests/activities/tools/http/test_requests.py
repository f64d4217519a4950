"""What a request carries, and what the model reads of the response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast import EgressRefused, HttpTool, SecretMissing, ToolArgumentsInvalid, ToolError, ToolFailed
from holdfast_activities.tools.contract_tool import ContractTool
from tests.activities.tools.http.sites import Asked, Internet, Names, Site, bound, get, response, site

URL = "http://example.com/"


def of(one: Site, **options: Any) -> ContractTool:
    return bound(HttpTool("web", allow=["http://*"], **options), Names({}), Internet(one, {}))


async def test_a_post_carries_its_body_and_a_key_that_every_attempt_repeats() -> None:
    async with site() as one:
        tool = of(one, methods=["POST"])
        for _ in range(2):
            await get(tool, URL, body='{"a": 1}')
        first, second = one.asked
    assert (first.method, first.body, first.headers["content-type"]) == (
        "POST",
        b'{"a": 1}',
        "application/json",
    )
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert "s1" not in first.headers["idempotency-key"]  # it does not show the session


async def test_a_redirect_of_a_post_is_a_result() -> None:
    async with site(lambda _: response(status="307 Temporary Redirect", location="/other")) as one:
        text = await get(of(one, methods=["POST"]), URL)
        assert len(one.asked) == 1
    assert text.startswith("307 Temporary Redirect\n")
    assert "location: /other" in text


async def test_a_method_that_is_not_declared_is_refused() -> None:
    async with site() as one:
        with pytest.raises(EgressRefused, match="use GET or HEAD"):
            await get(of(one), URL, method="DELETE")
        for method in ("get", "", "POST"):  # rules decide on the text, so it has one form
            with pytest.raises(EgressRefused, match="'method'"):
                await get(of(one), URL, method=method)
        with pytest.raises(ToolArgumentsInvalid, match="no body"):
            await get(of(one), URL, body="x")
        assert not one.asked


async def test_a_head_request_has_no_body() -> None:
    async with site(lambda _: response(content_length="7", etag="v1")) as one:
        text = await get(of(one), URL, method="HEAD")
    assert text == "200 OK\ncontent-length: 7\netag: v1"


@pytest.mark.parametrize("status", ["429 Too Many", "503 Unavailable"])
async def test_a_temporary_failure_is_an_error_with_the_servers_wait(status: str) -> None:
    async with site(lambda _: response(b"later", status, retry_after="7")) as one:
        with pytest.raises(ToolFailed, match=status[:3]) as failed:
            await get(of(one), URL)
        assert (failed.value.retryable, failed.value.retry_after) == (True, 7.0)
        assert (await get(of(one, methods=["POST"]), URL)).startswith(status[:3])


async def test_a_status_of_failure_is_a_result() -> None:
    async with site(lambda _: response(b"gone", "404 Nope", content_type="text/plain")) as one:
        assert (await get(of(one), URL)).startswith("404 Not Found\n")


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        ("text/plain; charset=iso-8859-1", "Zürich".encode("latin-1"), "Zürich"),
        ("text/plain; charset=zlib", b"abc", "abc"),
        ("application/problem+json", b"{}", "{}"),
        ("image/png", b"\x89PNG", "[4 bytes of image/png, which are not shown]"),
        ("text/plain", b"a\xffb", "a\ufffdb"),
    ],
)
async def test_a_body_is_shown_as_text(kind: str, data: bytes, shown: str) -> None:
    async with site(lambda _: response(data, content_type=kind)) as one:
        assert (await get(of(one), URL)).endswith(f"\n\n{shown}")


async def test_a_secret_is_read_at_each_call_and_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as one:
        given = HttpTool("shop", allow=["http://example.com"], headers={"X-Key": "env:SHOP_KEY"})
        tool = bound(given, Names({}), Internet(one, {}))
        for value in ("one", "two"):
            monkeypatch.setenv("SHOP_KEY", value)
            await get(tool, URL)
        monkeypatch.setenv("SHOP_KEY", "a\r\nHost: b")
        with pytest.raises(ToolError, match="printable") as bad:
            await get(tool, URL)
        monkeypatch.delenv("SHOP_KEY")
        with pytest.raises(SecretMissing, match="SHOP_KEY"):
            await get(tool, URL)
    assert [asked.headers["x-key"] for asked in one.asked] == ["one", "two"]
    assert "Host: b" not in str(bad.value)


async def test_arguments_cannot_set_headers() -> None:
    async with site() as one:
        tool = of(one, methods=["POST"])
        with pytest.raises(ToolArgumentsInvalid, match="content_type"):
            tool.validate(json.dumps({"url": URL, "content_type": "a/b\r\nHost: evil"}))
        asked = tool.validate(json.dumps({"url": URL, "headers": {"Host": "evil"}}))
        await tool.call(asked, _context())
    assert one.asked[0].headers["host"] == "example.com"


async def test_a_host_that_does_not_answer_is_no_effect() -> None:
    def nowhere(asked: Asked) -> bytes:
        raise AssertionError

    async with site(nowhere) as one:
        pass  # closed again
    one.port = 1
    with pytest.raises(ToolFailed, match=r"no connection to example\.com") as failed:
        await get(of(one, methods=["POST"]), URL)
    assert type(failed.value) is ToolFailed


def _context() -> Any:
    from tests.holdfast.support import context

    return context()
