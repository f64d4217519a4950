"""Prices and context windows of models: the deployment's own, else those of the list in genai-prices."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from .own_prices import OwnPrice

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_log = logging.getLogger(__name__)

DEFAULT_WINDOW = 128_000
"""The context window, in tokens, of a model that is not on the list."""

Cost = Callable[[int, int, int, int], float]
"""US dollars for tokens: input (with the last two), output, cached, newly cached."""


@dataclass(frozen=True)
class Listing:
    """A model's price and its context window in tokens. Without a known price its cost is 0."""

    cost: Cost
    window: int
    priced: bool = True

    def most(self, input_tokens: int, output_tokens: int) -> float:
        """The highest price of so many tokens; tokens that fill a cache can cost more than plain ones."""
        plain = self.cost(input_tokens, output_tokens, 0, 0)
        return max(plain, self.cost(input_tokens, output_tokens, 0, input_tokens))


@lru_cache(maxsize=256)
def listing(provider: str, model: str, base_url: str, own: OwnPrice | None = None) -> Listing:
    """Return a model's ``own`` price and window, completed from the list; once per model.

    A model is on the list by its URL, or else by its provider's name. One without any price counts as free, and a
    warning is logged.
    """
    priced = own is not None and own.input is not None
    if own is not None and priced and own.context_window:
        return Listing(own.cost, own.context_window)
    listed = _listed_model(provider, model, base_url)
    window = (own.context_window if own else None) or listed.window
    if own is not None and priced:
        return Listing(own.cost, window)
    if not listed.priced:
        _log.warning(
            "No price is known for %s:%s; its cost is counted as 0. Set it in HOLDFAST_PRICES.",
            provider,
            model,
        )
    return Listing(listed.cost, window, listed.priced)


def _listed_model(provider: str, model: str, base_url: str) -> Listing:
    # The import takes half a second.
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    for provider_id, url in ((None, base_url), (provider, None)):
        try:
            _, found = snapshot.find_provider_model(model, None, provider_id, url)
        except LookupError:
            continue
        return Listing(_cost(found), found.context_window or DEFAULT_WINDOW, _has_price(found))
    return Listing(_free, DEFAULT_WINDOW, priced=False)


def _free(input_tokens: int, output_tokens: int, cached_tokens: int, caching_tokens: int) -> float:
    return 0.0


def _has_price(model: "ModelInfo") -> bool:
    """Whether the list prices the tokens of a model; some entries only price requests or images."""
    prices = model.get_prices(datetime.now(UTC))
    return prices.input_mtok is not None or prices.output_mtok is not None


def _cost(model: "ModelInfo") -> Cost:
    flat = _flat(model.prices) if not isinstance(model.prices, list) else None
    if flat is None:
        return partial(_listed, model)
    read, write, cached, caching = flat

    def cost(input_tokens: int, output_tokens: int, cached_tokens: int, caching_tokens: int) -> float:
        plain = input_tokens - cached_tokens - caching_tokens
        return plain * read + output_tokens * write + cached_tokens * cached + caching_tokens * caching

    return cost


def _flat(prices: "ModelPrice") -> tuple[float, float, float, float] | None:
    """Dollars per token (input, output, cached, newly cached); None if they depend on anything else."""
    found: list[float | None] = []
    for name in ("input", "output", "cache_read", "cache_write"):
        value = getattr(prices, f"{name}_mtok", None)
        if value is not None and not isinstance(value, Decimal):
            return None
        found.append(None if value is None else float(value) / 1e6)
    read, write, cached, caching = found
    read = read or 0.0
    return read, write or 0.0, read if cached is None else cached, read if caching is None else caching


def _listed(model: "ModelInfo", read: int, write: int, cached: int, caching: int) -> float:
    from genai_prices import Usage

    usage = Usage(
        input_tokens=read, output_tokens=write, cache_read_tokens=cached, cache_write_tokens=caching
    )
    return float(model.get_prices(datetime.now(UTC)).calc_price(usage)["total_price"])
