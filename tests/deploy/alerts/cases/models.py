"""Cases of models and tools."""

from ..rule_tests import Case

MODELS = (
    Case(
        "HoldfastModelErrors",
        {
            'holdfast_model_calls_total{agent="a",model="openai:m",outcome="ok"}': (10, 8),
            'holdfast_model_calls_total{agent="a",model="openai:m",outcome="model_transient"}': (0, 2),
        },
        "20% of the calls of model 'openai:m' failed in the last 5 minutes.",
        {"model": "openai:m"},
        under={
            'holdfast_model_calls_total{agent="a",model="openai:m",outcome="ok"}': 9.2,
            'holdfast_model_calls_total{agent="a",model="openai:m",outcome="model_transient"}': 0.8,
        },
        fires=300,
    ),
    Case(
        "HoldfastModelSlow",
        summary="The p95 of a call of model 'openai:m' is 52.5s over 5 minutes.",
        labels={"model": "openai:m"},
        series={
            'holdfast_model_call_seconds_bucket{model="openai:m",le="30"}': (10, 8),
            'holdfast_model_call_seconds_bucket{model="openai:m",le="60"}': (10, 10),
            'holdfast_model_call_seconds_bucket{model="openai:m",le="+Inf"}': (10, 10),
            'holdfast_model_call_seconds_count{model="openai:m"}': (10, 10),
        },
        under={'holdfast_model_call_seconds_bucket{model="openai:m",le="30"}': 9.6},
        fires=300,
    ),
    Case(
        "HoldfastToolErrors",
        {
            'holdfast_tool_calls_total{tool="refund",outcome="ok"}': (10, 8),
            'holdfast_tool_calls_total{tool="refund",outcome="tool_failed"}': (0, 2),
            'holdfast_tool_calls_total{tool="late",outcome="waiting"}': (5, 5),
        },
        "20% of the calls of tool 'refund' failed in the last 10 minutes.",
        {"tool": "refund"},
        under={
            'holdfast_tool_calls_total{tool="refund",outcome="ok"}': 9.2,
            'holdfast_tool_calls_total{tool="refund",outcome="tool_failed"}': 0.8,
        },
        fires=600,
    ),
    Case(
        "HoldfastBreakerOpen",
        {
            'holdfast_breaker_state{breaker="provider:openai",instance="a"}': (0, 2),
            'holdfast_breaker_state{breaker="provider:openai",instance="b"}': (0, 1),
        },
        "The circuit breaker 'provider:openai' is open: nothing is sent there.",
        {"breaker": "provider:openai"},
        under={'holdfast_breaker_state{breaker="provider:openai",instance="a"}': 1},
        silent=45,
        fires=90,
    ),
    Case(
        "HoldfastRunsWaiting",
        {'holdfast_waits_total{kind="breaker"}': (0, 0.25)},
        "Runs waited 10 times in 10 minutes (reason: breaker).",
        {"kind": "breaker"},
        under={'holdfast_waits_total{kind="breaker"}': 0.1},
        fires=600,
    ),
)
