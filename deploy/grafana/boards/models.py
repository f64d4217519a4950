"""Calls of models."""

from ..panels import Board, Panel, Row, quantiles

MODELS = Board(
    "holdfast-models",
    "Holdfast: models",
    "Calls of models: rates, errors, latency, breakers, limits, context.",
    [
        Row(
            "Calls",
            [
                Panel(
                    "Calls by model",
                    {
                        "{{model}}": 'sum by (model) (rate(holdfast_model_calls_total{model=~"$model"}[$__rate_interval]))'
                    },
                    "reqps",
                    stacked=True,
                ),
                Panel(
                    "Error rate",
                    {
                        "{{model}}": 'sum by (model) (rate(holdfast_model_calls_total{outcome!~"ok|cancelled",model=~"$model"}[$__rate_interval])) / sum by (model) (rate(holdfast_model_calls_total{model=~"$model"}[$__rate_interval]))'
                    },
                    "percentunit",
                    bad=0.1,
                ),
                Panel(
                    "Errors by code",
                    {
                        "{{model}} {{outcome}}": 'sum by (model, outcome) (rate(holdfast_model_calls_total{outcome!~"ok|cancelled",model=~"$model"}[$__rate_interval]))'
                    },
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Latency",
                    quantiles("holdfast_model_call_seconds", "model", '{model=~"$model"}'),
                    "s",
                    width=12,
                    bad=30,
                ),
                Panel(
                    "Output tokens of a call",
                    {
                        "{{model}}": 'sum by (model) (rate(holdfast_tokens_total{kind="output",model=~"$model"}[$__rate_interval])) / sum by (model) (rate(holdfast_model_calls_total{outcome="ok",model=~"$model"}[$__rate_interval]))'
                    },
                    text="Mean. Longer replies take longer.",
                    width=12,
                ),
            ],
        ),
        Row(
            "Resilience",
            [
                Panel(
                    "Circuit breakers",
                    {"{{breaker}}": 'max by (breaker) (holdfast_breaker_state{breaker=~"provider:.*"})'},
                    text="0 closed, 1 half open, 2 open.",
                    top=2,
                ),
                Panel(
                    "Retries",
                    {"{{operation}}": "sum by (operation) (rate(holdfast_retries_total[$__rate_interval]))"},
                    "ops",
                ),
                Panel(
                    "Calls not made",
                    {"{{by}}": "sum by (by) (rate(holdfast_refusals_total[$__rate_interval]))"},
                    "ops",
                    "Because of an open breaker or a rate limit.",
                ),
            ],
        ),
        Row(
            "Context",
            [
                Panel(
                    "Context used",
                    quantiles("holdfast_context_used_ratio", "agent"),
                    "percentunit",
                    "Share of the model's context window in a prompt.",
                    width=12,
                    bad=0.95,
                    top=1,
                ),
                Panel(
                    "Steps by outcome",
                    {"{{outcome}}": "sum by (outcome) (rate(holdfast_steps_total[$__rate_interval]))"},
                    "ops",
                    width=12,
                    stacked=True,
                ),
            ],
        ),
    ],
    {"model": "holdfast_model_calls_total"},
)
