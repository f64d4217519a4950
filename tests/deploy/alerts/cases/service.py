"""Cases of turns, requests and tasks."""

from ..rule_tests import Case

SERVICE = (
    Case(
        "HoldfastTurnErrors",
        # Ten workers fail once each: each counter appears with its first value.
        {
            'holdfast_turns_total{agent="support",outcome="done",instance="0"}': (3, 3),
            **{
                f'holdfast_turns_total{{agent="support",outcome="failed",instance="{number}"}}': "_x80 1x20 _x140"
                for number in range(10)
            },
        },
        "14.29% of the turns of the last 5 minutes failed.",
        fires=120,
    ),
    Case(
        "HoldfastTurnErrors",
        {
            'holdfast_turns_total{agent="support",outcome="done"}': (10, 9),
            'holdfast_turns_total{agent="support",outcome="failed"}': (0, 1),
        },
        "10% of the turns of the last 5 minutes failed.",
        under={
            'holdfast_turns_total{agent="support",outcome="done"}': 9.6,
            'holdfast_turns_total{agent="support",outcome="failed"}': 0.4,
        },
        fires=300,
    ),
    Case(
        "HoldfastTurnErrors",
        {
            'holdfast_turns_total{agent="support",outcome="done"}': (10, 9),
            'holdfast_turns_total{agent="support",outcome="failed"}': (0, 1),
            'holdfast_errors_total{source="turn",code="budget_exhausted"}': (0, 0),
        },
        "10% of the turns of the last 5 minutes failed.",
        under={'holdfast_errors_total{source="turn",code="budget_exhausted"}': 1},
        fires=300,
    ),
    Case(
        "HoldfastRequestErrors",
        {
            'holdfast_requests_total{operation="send",outcome="ok"}': (10, 9),
            'holdfast_requests_total{operation="send",outcome="refused"}': (1, 1),
            'holdfast_requests_total{operation="send",outcome="failed"}': (0, 1.5),
        },
        "13.04% of the requests 'send' failed in the last 5 minutes.",
        {"operation": "send"},
        under={
            'holdfast_requests_total{operation="send",outcome="refused"}': 6,
            'holdfast_requests_total{operation="send",outcome="failed"}': 0.4,
        },
        fires=300,
    ),
    Case(
        "HoldfastTurnsSlow",
        summary="The p95 of a turn of agent 'support' is 1m 30s over 5 minutes.",
        labels={"agent": "support"},
        series={
            'holdfast_turn_seconds_bucket{agent="support",le="30"}': (10, 6),
            'holdfast_turn_seconds_bucket{agent="support",le="60"}': (10, 9),
            'holdfast_turn_seconds_bucket{agent="support",le="120"}': (10, 10),
            'holdfast_turn_seconds_bucket{agent="support",le="+Inf"}': (10, 10),
            'holdfast_turn_seconds_count{agent="support"}': (10, 10),
        },
        under={
            'holdfast_turn_seconds_bucket{agent="support",le="30"}': 9.6,
            'holdfast_turn_seconds_bucket{agent="support",le="60"}': 10,
        },
        fires=300,
    ),
    Case(
        "HoldfastTaskCompletionLow",
        {
            'holdfast_turns_total{agent="support",outcome="done"}': (10, 8),
            'holdfast_turns_total{agent="support",outcome="failed"}': (0, 1),
            'holdfast_turns_total{agent="support",outcome="cancelled"}': (0, 1),
        },
        "Agent 'support' completed only 80% of its tasks in the last hour.",
        {"agent": "support"},
        under={
            'holdfast_turns_total{agent="support",outcome="done"}': 9.2,
            'holdfast_turns_total{agent="support",outcome="failed"}': 0.4,
            'holdfast_turns_total{agent="support",outcome="cancelled"}': 0.4,
        },
        interval=60,
        samples=130,
        silent=1_200,
        fires=4_200,
    ),
    Case(
        "HoldfastContextFull",
        summary="Prompts of agent 'support' fill 79.5% of the context window (p95).",
        labels={"agent": "support"},
        series={
            'holdfast_context_used_ratio_bucket{agent="support",le="0.7"}': (10, 0),
            'holdfast_context_used_ratio_bucket{agent="support",le="0.8"}': (10, 10),
            'holdfast_context_used_ratio_bucket{agent="support",le="+Inf"}': (10, 10),
            'holdfast_context_used_ratio_count{agent="support"}': (10, 10),
        },
        under={'holdfast_context_used_ratio_bucket{agent="support",le="0.7"}': 9.4},
        interval=60,
        samples=60,
        silent=600,
        fires=2_400,
    ),
)
