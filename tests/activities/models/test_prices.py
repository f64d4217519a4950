import pytest
from genai_prices import Usage, calc_price

from holdfast_activities.models.prices import listing

# One with flat prices, one with tiers by the prompt's length.
MODELS = [("openai", "gpt-5-mini", "https://api.openai.com/v1"), ("google", "gemini-2.5-pro", "")]


@pytest.mark.parametrize(("provider", "model", "url"), MODELS)
@pytest.mark.parametrize("read", [1_000, 300_000])
def test_the_cost_is_what_the_price_list_says(provider: str, model: str, url: str, read: int) -> None:
    usage = Usage(input_tokens=read, output_tokens=700, cache_read_tokens=400, cache_write_tokens=0)
    expected = float(calc_price(usage, model, provider_id=provider).total_price)
    assert listing(provider, model, url).cost(read, 700, 400, 0) == pytest.approx(expected)


def test_tokens_newly_cached_have_their_own_price() -> None:
    cost = listing("anthropic", "claude-sonnet-4-5", "https://api.anthropic.com").cost
    assert cost(1_000, 0, 0, 1_000) == pytest.approx(1_000 * 3.75 / 1e6)


def test_a_proxy_of_a_known_provider_costs_what_the_provider_costs() -> None:
    assert listing("openai", "gpt-5-mini", "http://127.0.0.1:1/v1").cost(1_000_000, 0, 0, 0) == pytest.approx(
        0.25
    )


def test_what_tokens_cost_at_most_is_with_all_of_them_newly_cached_if_that_is_dearer() -> None:
    dearer = listing("anthropic", "claude-sonnet-4-5", "https://api.anthropic.com")
    assert dearer.most(1_000, 10) == pytest.approx((1_000 * 3.75 + 10 * 15) / 1e6)
    plain = listing("openai", "gpt-5-mini", "https://api.openai.com/v1")
    assert plain.most(1_000, 10) == pytest.approx((1_000 * 0.25 + 10 * 2) / 1e6)
