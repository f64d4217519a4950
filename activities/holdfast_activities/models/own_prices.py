"""Prices and context windows that a deployment sets itself: HOLDFAST_PRICES."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import AllowInfNan, ConfigDict, Field, TypeAdapter, ValidationError

from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.text.nearest import no_such

Dollars = Annotated[float, Field(ge=0), AllowInfNan(False)]

_VARIABLE: Final = "HOLDFAST_PRICES"


@dataclass(frozen=True)
class OwnPrice:
    """The price of a model in US dollars per million tokens, and its context window in tokens.

    ``cached`` is the price of input tokens that a cache had, ``caching`` that of input tokens that fill it; both are
    that of ``input`` if they are left out. Without ``input`` and ``output`` the price of the list stays, and without
    ``context_window`` its window.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    input: Dollars | None = None
    output: Dollars | None = None
    cached: Dollars | None = None
    caching: Dollars | None = None
    context_window: Annotated[int, Field(ge=1)] | None = None

    def cost(self, read: int, written: int, cached: int, caching: int) -> float:
        """US dollars for tokens: input (with the last two), output, cached, newly cached."""
        plain = self.input or 0.0
        rates = (
            (read - cached - caching, plain),
            (written, self.output or 0.0),
            (cached, plain if self.cached is None else self.cached),
            (caching, plain if self.caching is None else self.caching),
        )
        return sum(tokens * rate for tokens, rate in rates) / 1e6


OwnPrices = Mapping[str, OwnPrice]
"""Prices by ``provider:model``. A name that ends with ``*`` stands for all models whose name begins like it."""

_FIELDS: Final = tuple(each.name for each in fields(OwnPrice))


def own_price(prices: OwnPrices, model: str) -> OwnPrice | None:
    """The price of a model: that of its name, else of the longest beginning with ``*``."""
    if model in prices:
        return prices[model]
    found = [name for name in prices if name.endswith("*") and model.startswith(name[:-1])]
    return prices[max(found, key=len)] if found else None


def read_prices(given: str) -> OwnPrices:
    """Read HOLDFAST_PRICES: JSON, or the path of a file that holds it.

    Raises:
        SettingsInvalid: The file cannot be read, or a value is invalid; the detail names it.
    """
    text = given.strip()
    if not text:
        return {}
    if not text.startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise SettingsInvalid(f"{_VARIABLE}: {error}; use JSON or the path of a JSON file") from None
    try:
        prices = TypeAdapter(dict[str, OwnPrice]).validate_json(text)
    except ValidationError as error:
        raise _invalid(error) from None
    for name, price in prices.items():
        _check(name, price)
    return prices


def _check(name: str, price: OwnPrice) -> None:
    provider, _, model = name.partition(":")
    if not provider or not model or "*" in name[:-1]:
        raise SettingsInvalid(f"{_VARIABLE}: {name!r} is not a model; use provider:model or provider:*")
    if (price.input is None) != (price.output is None):
        raise SettingsInvalid(f"{_VARIABLE}.{name}: give input and output together; 0 declares a free model")
    if price.input is None and not (price.cached is None and price.caching is None):
        raise SettingsInvalid(f"{_VARIABLE}.{name}: cached and caching need input and output")


def _invalid(error: ValidationError) -> SettingsInvalid:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join((_VARIABLE, *map(str, problem["loc"])))
    detail = problem["msg"]
    if problem["type"] == "unexpected_keyword_argument":
        detail = no_such("field", [str(problem["loc"][-1])], _FIELDS)
    return SettingsInvalid(f"{place}: {detail}")
