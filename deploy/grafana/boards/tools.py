"""Calls of tools, effects, and the inbox."""

from ..panels import Board, Panel, Row, quantiles

TOOLS = Board(
    "holdfast-tools",
    "Holdfast: tools and effects",
    "Calls of tools, their effects, and what waits for a person.",
    [
        Row(
            "Calls",
            [
                Panel(
                    "Calls by tool",
                    {
                        "{{tool}}": 'sum by (tool) (rate(holdfast_tool_calls_total{tool=~"$tool"}[$__rate_interval]))'
                    },
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Error rate",
                    {
                        "{{tool}}": 'sum by (tool) (rate(holdfast_tool_calls_total{outcome!~"ok|waiting|cancelled",tool=~"$tool"}[$__rate_interval])) / sum by (tool) (rate(holdfast_tool_calls_total{tool=~"$tool"}[$__rate_interval]))'
                    },
                    "percentunit",
                    bad=0.1,
                ),
                Panel(
                    "Errors by code",
                    {
                        "{{tool}} {{outcome}}": 'sum by (tool, outcome) (rate(holdfast_tool_calls_total{outcome!~"ok|waiting|cancelled",tool=~"$tool"}[$__rate_interval]))'
                    },
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Latency",
                    quantiles("holdfast_tool_call_seconds", "tool", '{tool=~"$tool"}'),
                    "s",
                    width=12,
                ),
                Panel(
                    "Circuit breakers of tools",
                    {"{{breaker}}": 'max by (breaker) (holdfast_breaker_state{breaker=~"tool:.*"})'},
                    text="0 closed, 1 half open, 2 open.",
                    width=12,
                    top=2,
                ),
            ],
        ),
        Row(
            "Effects",
            [
                Panel("Unknown outcome", {"": "max(holdfast_unknown_effects)"}, kind="stat", width=4, bad=1),
                Panel(
                    "Effects by outcome",
                    {
                        "{{tool}} {{outcome}}": 'sum by (tool, outcome) (rate(holdfast_effects_total{tool=~"$tool"}[$__rate_interval]))'
                    },
                    "ops",
                    width=20,
                    stacked=True,
                ),
            ],
        ),
        Row(
            "Inbox",
            [
                Panel("Items", {"{{kind}}": "max by (kind) (holdfast_inbox_items)"}, stacked=True),
                Panel(
                    "Oldest item",
                    {"{{kind}}": "max by (kind) (holdfast_inbox_oldest_seconds)"},
                    "s",
                    bad=14_400,
                ),
                Panel(
                    "Passed deadlines in an hour",
                    {"{{kind}}": "sum by (kind) (increase(holdfast_inbox_overdue_total[1h]))"},
                    bad=1,
                ),
            ],
        ),
    ],
    {"tool": "holdfast_tool_calls_total"},
)
