"""Money and tokens."""

from ..panels import Board, Panel, Row

_AGENT = '{agent=~"$agent"}'

COST = Board(
    "holdfast-cost",
    "Holdfast: cost",
    "What is spent, on what, and whether it will last. `holdfast cost` has it by tenant, user and session.",
    [
        Row(
            "Today (UTC)",
            [
                Panel(
                    "Cost today",
                    {"": "sum(holdfast_cost_today_dollars)"},
                    "currencyUSD",
                    kind="stat",
                    width=6,
                ),
                Panel(
                    "Forecast",
                    {"": "max(holdfast_cost_forecast_dollars)"},
                    "currencyUSD",
                    kind="stat",
                    width=6,
                ),
                Panel(
                    "Highest budget of a tenant",
                    {"": 'max(holdfast_budget_used_ratio{account="tenant"})'},
                    "percentunit",
                    kind="stat",
                    width=6,
                    warn=0.5,
                    bad=0.9,
                ),
                Panel(
                    "Cost of a turn",
                    {"": "sum(rate(holdfast_cost_dollars_total[1h])) / sum(rate(holdfast_turns_total[1h]))"},
                    "currencyUSD",
                    "Mean of the last hour.",
                    "stat",
                    6,
                ),
            ],
        ),
        Row(
            "Money",
            [
                Panel(
                    "Dollars per hour by agent",
                    {
                        "{{agent}}": f"sum by (agent) (rate(holdfast_cost_dollars_total{_AGENT}[$__rate_interval])) * 3600"
                    },
                    "currencyUSD",
                    width=12,
                    stacked=True,
                ),
                Panel(
                    "Dollars per hour by model",
                    {
                        "{{model}}": f"sum by (model) (rate(holdfast_cost_dollars_total{_AGENT}[$__rate_interval])) * 3600"
                    },
                    "currencyUSD",
                    width=12,
                    stacked=True,
                ),
                Panel(
                    "Cost of the day by agent",
                    {"{{agent}}": f"sum by (agent) (holdfast_cost_today_dollars{_AGENT})"},
                    "currencyUSD",
                    kind="bargauge",
                ),
                Panel(
                    "Used budgets",
                    {"{{account}}": "max by (account) (holdfast_budget_used_ratio)"},
                    "percentunit",
                    "The highest one of the runs and of the tenants.",
                    bad=1,
                ),
                Panel(
                    "Refused by a budget",
                    {
                        "{{account}}": "sum by (account) (rate(holdfast_budget_refusals_total[$__rate_interval]))"
                    },
                    "ops",
                ),
            ],
        ),
        Row(
            "Tokens",
            [
                Panel(
                    "Tokens by kind",
                    {"{{kind}}": f"sum by (kind) (rate(holdfast_tokens_total{_AGENT}[$__rate_interval]))"},
                    "short",
                    "Per second.",
                    stacked=True,
                ),
                Panel(
                    "Input from the prompt cache",
                    {
                        "{{model}}": 'sum by (model) (rate(holdfast_tokens_total{kind="cached"}[$__rate_interval])) / sum by (model) (rate(holdfast_tokens_total{kind="input"}[$__rate_interval]))'
                    },
                    "percentunit",
                    "A fall means a changed beginning of the prompt.",
                    top=1,
                ),
                Panel(
                    "Temporal actions of a turn",
                    {
                        "{{agent}}": f"sum by (agent) (rate(holdfast_turn_actions_sum{_AGENT}[$__rate_interval])) / sum by (agent) (rate(holdfast_turn_actions_count{_AGENT}[$__rate_interval]))"
                    },
                    "short",
                    "Mean; an estimate of what Temporal Cloud bills.",
                ),
            ],
        ),
    ],
    {"agent": "holdfast_turns_total"},
)
