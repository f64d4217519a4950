"""Declarations of HTTP tools."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Agent, App, HttpTool, InvalidDeclaration, tool

SITE = "https://api.example.com"


def test_the_effect_follows_from_the_methods() -> None:
    assert HttpTool("a", allow=[SITE]).spec.effect == "none"
    assert HttpTool("a", allow=[SITE], methods=["GET", "POST"]).spec.effect == "once"
    assert HttpTool("a", allow=[SITE], methods=["PUT"], effect="idempotent").spec.effect == "idempotent"


def test_the_model_sees_what_it_may_do() -> None:
    spec = HttpTool("a", allow=[SITE], methods=["POST"], description="Orders.").spec
    assert spec.description == f"Orders.\n\nMakes an HTTP request (POST). Allowed URLs: {SITE}."
    assert list(spec.parameters["properties"]) == ["url", "body", "content_type"]
    assert list(HttpTool("a", allow=[SITE]).spec.parameters["properties"]) == ["url", "method"]


def test_the_secrets_of_headers_are_declared_by_reference() -> None:
    spec = HttpTool("a", allow=[SITE], headers={"Authorization": "Bearer ${env:TOKEN}"}).spec
    assert spec.secrets == ("env:TOKEN",)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({}, "allows no URL"),
        ({"allow": SITE}, "give a list"),
        ({"allow": ["ftp://a.example"]}, 'write "https://'),
        ({"allow": ["https://a.example/../b"]}, "without"),
        ({"allow": ["https://127.1"]}, "not a host name"),
        ({"allow": ["https://a.example:99999"]}, "65535"),
        ({"allow": ["https://bücher.example"]}, "xn--"),
        ({"private": {SITE: []}}, "name the network"),
        ({"private": {SITE: "0.0.0.0/0"}}, "contains public addresses"),
        ({"private": {SITE: "10.0.0.1/8"}}, r"10\.20\.0\.0/16"),
        ({"allow": [SITE], "methods": ["get"]}, "GET, HEAD"),
        ({"allow": [SITE], "methods": []}, "GET, HEAD"),
        ({"allow": [SITE], "methods": ["POST"], "effect": "none"}, "once"),
        ({"allow": [SITE], "headers": {"Host": "b"}}, "not for the tool to set"),
        ({"allow": [SITE], "headers": {"X": "a\r\nb"}}, "printable"),
        ({"allow": ["https://*.example.com"], "headers": {"X": "env:KEY"}}, "name each host"),
        ({"allow": [SITE], "max_bytes": 0}, "max_bytes"),
        ({"allow": [SITE], "timeout": 0}, "timeout"),
        ({"allow": [SITE], "max_redirects": -1}, "max_redirects"),
        ({"allow": [SITE], "name": "read_more"}, "reserved"),
        ({"allow": [SITE], "redirects": 1}, "max_redirects"),
    ],
)
def test_an_invalid_option_is_refused_with_the_remedy(options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(InvalidDeclaration, match=remedy):
        HttpTool(options.get("name", "web"), **{k: v for k, v in options.items() if k != "name"})


def test_an_http_tool_is_a_tool_of_its_agent_under_all_its_names() -> None:
    web = HttpTool("web", allow=[SITE], aliases=["fetch"])
    agent = Agent("a", model="openai:m", tools=[web])
    assert agent.tools == {"web": web}
    assert App(agents=[agent]).registry().tools["a"] == {"web": web, "fetch": web}


def test_an_http_tool_undoes_nothing() -> None:
    @tool(effect="once", undo="web")
    def book() -> str:
        """Book."""
        return ""

    with pytest.raises(InvalidDeclaration, match="not a function"):
        Agent("a", model="openai:m", tools=[book, HttpTool("web", allow=[SITE])])
