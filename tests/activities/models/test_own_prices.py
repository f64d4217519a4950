"""Prices that a deployment sets itself."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.models.own_prices import OwnPrice, own_price, read_prices
from holdfast_activities.models.prices import DEFAULT_WINDOW, listing
from holdfast_workflows.contracts.errors import SettingsInvalid

URL = "http://127.0.0.1:9/v1"


def test_own_prices_are_per_million_tokens_with_their_own_for_cached_ones() -> None:
    price = OwnPrice(input=2, output=10, cached=0.5, caching=3)
    assert price.cost(1_000_000, 100_000, 400_000, 100_000) == pytest.approx(1 + 1 + 0.2 + 0.3)
    assert OwnPrice(input=2, output=10).cost(1_000_000, 0, 1_000_000, 0) == pytest.approx(2)


def test_an_own_price_comes_before_that_of_the_list() -> None:
    own = listing("openai", "gpt-5-mini", URL, OwnPrice(input=7, output=9, context_window=5_000))
    assert own.cost(1_000_000, 1_000_000, 0, 0) == pytest.approx(16)
    assert own.window == 5_000


def test_an_own_window_leaves_the_price_of_the_list_and_the_reverse() -> None:
    listed = listing("openai", "gpt-5-mini", URL)
    window = listing("openai", "gpt-5-mini", URL, OwnPrice(context_window=9_000))
    assert (window.cost(1_000, 10, 0, 0), window.window) == (listed.cost(1_000, 10, 0, 0), 9_000)
    assert listing("openai", "gpt-5-mini", URL, OwnPrice(input=1, output=1)).window == listed.window


def test_a_model_is_priced_by_the_list_or_by_the_deployment_also_with_zero(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert listing("openai", "gpt-5-mini", URL).priced
        assert listing("gateway", "own-1", URL, OwnPrice(input=0, output=0)).priced
        assert not caplog.records
        unpriced = listing("gateway", "own-1", URL, OwnPrice(context_window=9_000))
    assert (unpriced.priced, unpriced.cost(1_000, 10, 0, 0), unpriced.window) == (False, 0.0, 9_000)
    assert "gateway:own-1" in caplog.text
    assert "HOLDFAST_PRICES" in caplog.text
    assert listing("gateway", "own-2", URL).window == DEFAULT_WINDOW


def test_the_longest_beginning_with_a_star_stands_for_models_without_an_entry() -> None:
    any_, tuned, exact = (OwnPrice(input=n, output=n) for n in (1, 2, 3))
    prices = {"openai:*": any_, "openai:ft:*": tuned, "openai:ft:gpt-4o": exact}
    assert own_price(prices, "openai:ft:gpt-4o") is exact
    assert own_price(prices, "openai:ft:gpt-5") is tuned
    assert own_price(prices, "openai:gpt-5") is any_
    assert own_price(prices, "anthropic:claude") is None


async def test_a_model_of_a_worker_has_its_own_price_and_window() -> None:
    prices = read_prices('{"local:*": {"input": 3, "output": 4, "context_window": 32000}}')
    models = Models({"local": ProviderConfig("openai", URL)}, {}, prices)
    model = models.get("local:llama")
    assert (model.window, model.priced, models.has_price("local:llama")) == (32_000, True, True)
    assert model.cost(1_000_000, 1_000_000) == pytest.approx(7)
    await models.close()
    assert not Models({"local": ProviderConfig("openai", URL)}, {}).has_price("local:llama")


def test_prices_are_read_from_json_or_from_a_file(tmp_path: Path) -> None:
    text = '{"local:llama": {"input": 0, "output": 0}}'
    (tmp_path / "prices.json").write_text(text)
    expected = {"local:llama": OwnPrice(input=0, output=0)}
    assert read_prices(text) == read_prices(str(tmp_path / "prices.json")) == expected
    assert read_prices("  ") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/no/such/prices.json", "No such file"),
        ("{", "JSON"),
        ('{"llama": {"input": 1, "output": 1}}', "provider:model"),
        ('{"*": {"input": 1, "output": 1}}', "provider:model"),
        ('{"local:*x": {"input": 1, "output": 1}}', "provider:model"),
        ('{"local:llama": {"input": 1}}', "input and output together"),
        ('{"local:llama": {"cached": 1}}', "need input and output"),
        ('{"local:llama": {"input": -1, "output": 1}}', "local:llama.input"),
        ('{"local:llama": {"input": NaN, "output": 1}}', "local:llama.input"),
        ('{"local:llama": {"input": 1, "ouput": 1}}', "output"),
        ('{"local:llama": {"context_window": 0}}', "local:llama.context_window"),
    ],
)
def test_invalid_prices_are_refused_with_their_place(text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid, match="HOLDFAST_PRICES") as refused:
        read_prices(text)
    assert says in refused.value.detail
