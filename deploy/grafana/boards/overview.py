"""What users notice, and where to look next."""

from ..panels import Board, Panel, Row, quantiles

_AGENT = '{agent=~"$agent"}'

OVERVIEW = Board(
    "holdfast-overview",
    "Holdfast: overview",
    "Is the service well? What users notice, and where to look next.",
    [
        Row(
            "Now",
            [
                Panel(
                    "Firing alerts",
                    {
                        "": 'count(ALERTS{alertname=~"Holdfast.*",alertstate="firing",severity!="none"}) or vector(0)'
                    },
                    kind="stat",
                    width=4,
                    bad=1,
                ),
                Panel(
                    "Failed turns",
                    {
                        "": 'sum(rate(holdfast_turns_total{outcome="failed"}[5m])) / sum(rate(holdfast_turns_total{outcome=~"done|failed"}[5m])) or vector(0)'
                    },
                    "percentunit",
                    "Share of the last 5 minutes. The alert is at 5 %.",
                    "stat",
                    4,
                    warn=0.02,
                    bad=0.05,
                ),
                Panel(
                    "p95 of turns",
                    {"": "histogram_quantile(0.95, sum by (le) (rate(holdfast_turn_seconds_bucket[5m])))"},
                    "s",
                    "Over 5 minutes. The alert is at 30 s.",
                    "stat",
                    4,
                    warn=15,
                    bad=30,
                ),
                Panel(
                    "Active sessions", {"": 'sum(holdfast_sessions{status="running"})'}, kind="stat", width=4
                ),
                Panel(
                    "Waiting for a person",
                    {"": "sum(holdfast_inbox_items)"},
                    kind="stat",
                    width=4,
                    warn=1,
                ),
                Panel(
                    "Cost today",
                    {"": "sum(holdfast_cost_today_dollars)"},
                    "currencyUSD",
                    kind="stat",
                    width=4,
                ),
            ],
        ),
        Row(
            "Requests and turns",
            [
                Panel(
                    "Request rate",
                    {
                        "{{operation}} {{outcome}}": "sum by (operation, outcome) (rate(holdfast_requests_total[$__rate_interval]))"
                    },
                    "reqps",
                    "Requests of clients to sessions.",
                    stacked=True,
                ),
                Panel(
                    "Turns by outcome",
                    {
                        "{{outcome}}": f"sum by (outcome) (rate(holdfast_turns_total{_AGENT}[$__rate_interval]))",
                    },
                    "ops",
                    stacked=True,
                ),
                Panel(
                    "Error rate by agent",
                    {
                        "{{agent}}": 'sum by (agent) (rate(holdfast_turns_total{outcome="failed",agent=~"$agent"}[$__rate_interval])) / sum by (agent) (rate(holdfast_turns_total{agent=~"$agent"}[$__rate_interval]))',
                    },
                    "percentunit",
                    bad=0.05,
                ),
                Panel(
                    "Response time",
                    quantiles("holdfast_turn_seconds", "", _AGENT),
                    "s",
                    "From a message to the end of its turn.",
                    bad=30,
                ),
                Panel(
                    "p95 by agent",
                    {
                        "{{agent}}": f"histogram_quantile(0.95, sum by (agent, le) (rate(holdfast_turn_seconds_bucket{_AGENT}[$__rate_interval])))"
                    },
                    "s",
                    bad=30,
                ),
                Panel(
                    "Errors by class",
                    {
                        "{{source}} {{code}}": "sum by (source, code) (rate(holdfast_errors_total[$__rate_interval]))"
                    },
                    "ops",
                    "The codes are explained in docs/errors.md.",
                    stacked=True,
                ),
            ],
        ),
        Row(
            "Sessions and workers",
            [
                Panel(
                    "Open sessions by status",
                    {"{{status}}": f"sum by (status) (holdfast_sessions{_AGENT})"},
                    stacked=True,
                ),
                Panel(
                    "Memory of workers",
                    {"{{instance}}": "holdfast_memory_bytes / holdfast_memory_limit_bytes"},
                    "percentunit",
                    "Share of the limit. The alert is at 85 %.",
                    bad=0.85,
                    top=1,
                ),
                Panel(
                    "Checks from outside",
                    {"{{target}}": "min by (target) (holdfast_probe_up)"},
                    text="1: the last check succeeded.",
                    top=1,
                ),
                Panel(
                    "Age of the oldest task",
                    {"{{queue}} {{kind}}": "max by (queue, kind) (holdfast_queue_backlog_age_seconds)"},
                    "s",
                    bad=60,
                ),
                Panel(
                    "Circuit breakers",
                    {"{{breaker}}": "max by (breaker) (holdfast_breaker_state)"},
                    text="0 closed, 1 half open, 2 open.",
                    top=2,
                ),
                Panel(
                    "Waits for a model",
                    {"{{kind}}": "sum by (kind) (rate(holdfast_waits_total[$__rate_interval]))"},
                    "ops",
                ),
            ],
        ),
    ],
    {"agent": "holdfast_turns_total"},
)
