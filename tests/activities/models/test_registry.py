import json
import logging
from pathlib import Path

import pytest

from holdfast.testing import ScriptedModel, say
from holdfast_activities.models import ModelRequest, Models, ProviderConfig, providers_from
from holdfast_activities.models.anthropic.client import AnthropicModel
from holdfast_activities.models.config import Kind
from holdfast_activities.models.openai.client import OpenAIModel
from holdfast_activities.models.prices import DEFAULT_WINDOW
from holdfast_workflows.contracts.agent.spec import OutputSpec, ToolSpec
from holdfast_workflows.contracts.errors import HoldfastError, InvalidDeclaration, ModelRejected
from holdfast_workflows.contracts.session.entries import UserEntry


async def test_a_model_is_made_once() -> None:
    models = Models(providers_from({}), {"OPENAI_API_KEY": "sk-1"})
    assert models.get("openai:gpt-5-mini") is models.get("openai:gpt-5-mini")
    assert models.get("openai:gpt-5-mini").wire == models.get("openai:gpt-5").wire
    await models.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("openai:gpt-5-mini", "openai:gpt-5-mini needs a key; set OPENAI_API_KEY"),
        ("anthropic:claude-sonnet-4-5", "set ANTHROPIC_API_KEY"),
    ],
)
def test_a_missing_key_is_an_error_that_names_its_variable(name: str, words: str) -> None:
    with pytest.raises(ModelRejected, match=words):
        Models(providers_from({}), {}).get(name)


@pytest.mark.parametrize("name", ["opnai:gpt-5", "gpt-5", "", "openai:", ":gpt-5"])
def test_an_unknown_model_name_is_refused_with_the_known_providers(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=r"anthropic:…, openai:…, pydantic-ai:…"):
        Models(providers_from({}), {}).get(name)


def test_a_key_with_a_line_break_is_refused_without_being_shown() -> None:
    models = Models(providers_from({}), {"OPENAI_API_KEY": "sk-top\nsecret"})
    with pytest.raises(ModelRejected, match="OPENAI_API_KEY") as caught:
        models.get("openai:gpt-5")
    assert "secret" not in str(caught.value)


def test_a_provider_does_not_show_its_key() -> None:
    assert "sk-1" not in repr(ProviderConfig("openai", key="sk-1"))


async def test_a_providers_headers_may_refer_to_secrets() -> None:
    async with ScriptedModel(lambda request: say(request.headers.get("x-gateway", "none"))) as server:
        headers = {"x-gateway": "Token ${env:GATEWAY}"}
        own = {"own": ProviderConfig("openai", server.openai_url, headers=headers)}
        with pytest.raises(ModelRejected, match="GATEWAY"):
            Models(own, {}).check("own:llama")
        models = Models(own, {"GATEWAY": "s3cret"})
        model = models.get("own:llama")
        fragments = [model.fragment(UserEntry(seq=1, text="Hello"))]
        assert (await model.complete(ModelRequest("", fragments))).text == "Token s3cret"
        await models.close()


async def test_any_server_at_any_address_is_a_provider_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-file\n")
    async with ScriptedModel(lambda request: say(request.headers.get("authorization", "none"))) as server:
        models = Models(
            {
                "local": ProviderConfig("openai", server.openai_url),
                "filed": ProviderConfig(
                    "openai", server.openai_url + "/", key_from=f"file:{tmp_path / 'key'}"
                ),
                "lost": ProviderConfig("openai", server.openai_url, key_from=f"file:{tmp_path / 'nothing'}"),
            },
            {},
        )
        for name, header in (("local", "none"), ("filed", "Bearer sk-from-file")):
            model = models.get(f"{name}:llama")
            fragments = [model.fragment(UserEntry(seq=1, text="Hello"))]
            assert (await model.complete(ModelRequest("", fragments))).text == header
        with pytest.raises(ModelRejected, match="No such file"):
            models.get("lost:llama")
        await models.close()


async def test_a_server_without_structured_output_gets_the_schema_in_words() -> None:
    async with ScriptedModel([say("{}")] * 2) as server:
        models = Models(
            {
                "a": ProviderConfig("openai", server.openai_url, structured=False),
                "b": ProviderConfig("anthropic", server.url, structured=False),
            },
            {},
        )
        for name in ("a:llama", "b:llama"):
            model = models.get(name)
            fragments = [model.fragment(UserEntry(seq=1, text="Hello"))]
            output = OutputSpec(name="n", json_schema={"type": "object", "title": "Figures"})
            await model.complete(ModelRequest("Be brief.", fragments, output=output))
        await models.close()
        for seen in server.requests:
            assert b"Figures" in seen.body
            assert b"response_format" not in seen.body
            assert b"output_config" not in seen.body


async def test_a_model_without_a_price_is_free_and_logs_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ScriptedModel([say("Hello.")] * 2) as server:
        models = Models({"local": ProviderConfig("openai", server.openai_url)}, {})
        model = models.get("local:unheard-of")
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                fragments = [model.fragment(UserEntry(seq=1, text="Hello"))]
                assert (await model.complete(ModelRequest("", fragments))).usage.cost == 0.0
        again = Models({"local": ProviderConfig("openai", server.openai_url)}, {})
        again.get("local:unheard-of")
        await models.close()
        await again.close()
    assert sum("local:unheard-of" in record.message for record in caplog.records) <= 1
    assert model.window == DEFAULT_WINDOW


def test_the_window_is_the_models_own_where_it_is_known() -> None:
    models = Models(providers_from({}), {"ANTHROPIC_API_KEY": "sk-1", "OPENAI_API_KEY": "sk-2"})
    assert models.get("anthropic:claude-sonnet-4-5").window == 200_000
    assert models.get("openai:gpt-5-mini").window == 400_000


def test_every_refusal_is_a_holdfast_error() -> None:
    with pytest.raises(HoldfastError):
        Models({}).get("openai:gpt-5")


@pytest.mark.parametrize(
    ("kind", "base", "address"),
    [
        ("openai", "https://a.b/v1", "https://a.b/v1/chat/completions"),
        ("openai", "https://a.b/v1/", "https://a.b/v1/chat/completions"),
        ("openai", "https://a.b/v1?api-version=1&x=y", "https://a.b/v1/chat/completions?api-version=1&x=y"),
        ("openai", "https://a.b/v1/?api-version=1", "https://a.b/v1/chat/completions?api-version=1"),
        ("openai", "https://a.b/v1/chat/completions", "https://a.b/v1/chat/completions"),
        ("openai", "https://a.b?k=1", "https://a.b/chat/completions?k=1"),
        ("openai", "http://a.b:8000", "http://a.b:8000/chat/completions"),
        ("anthropic", "https://a.b", "https://a.b/v1/messages"),
        ("anthropic", "https://a.b/v1", "https://a.b/v1/messages"),
        ("anthropic", "https://a.b/anthropic/?beta=true", "https://a.b/anthropic/v1/messages?beta=true"),
        ("anthropic", "https://a.b/v1?beta=true", "https://a.b/v1/messages?beta=true"),
    ],
)
def test_a_base_url_is_continued_by_its_path_and_keeps_its_query(kind: Kind, base: str, address: str) -> None:
    model = Models({"x": ProviderConfig(kind, base, key="k")}).get("x:m")
    assert isinstance(model, OpenAIModel | AnthropicModel)
    assert model.url == address


@pytest.mark.parametrize(
    ("host", "newer"),
    [
        ("api.openai.com", True),
        ("eu.api.openai.com", True),
        ("x.openai.azure.com", True),
        ("x.services.ai.azure.com", True),
        ("x.cognitiveservices.azure.com", True),
        ("x.openai.azure.us", True),
        ("notopenai.com", False),
        ("openai.com.example.org", False),
        ("localhost", False),
    ],
)
def test_the_hosts_of_openais_models_are_sent_its_newer_name_of_the_limit(host: str, newer: bool) -> None:
    model = Models({"x": ProviderConfig("openai", f"https://{host}/v1", key="k")}).get("x:m")
    assert isinstance(model, OpenAIModel)
    body = model.body(ModelRequest("", [], max_tokens=5))
    assert (b'"max_completion_tokens":5' in body) is newer


def test_openai_is_sent_descriptions_it_takes_and_not_more_tools_than_that() -> None:
    tool = ToolSpec(name="t", description="a" * 1_025, parameters={"type": "object", "properties": {}})
    model = Models({"x": ProviderConfig("openai", "https://x.openai.azure.com/v1", key="k")}).get("x:m")
    assert len(json.loads(model.tools([tool]))[0]["function"]["description"]) == 1_024
    with pytest.raises(InvalidDeclaration, match="at most 128 tools and the agent has 129"):
        model.tools([tool] * 129)
