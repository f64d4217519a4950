"""For each alert: the fault at which it fires, and one that is just too small."""

from .rule_tests import Case

_HOUR = 3_600


SERVICE = (
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
        summary="Prompts of agent 'support' fill 97.5% of the context window (p95).",
        labels={"agent": "support"},
        series={
            'holdfast_context_used_ratio_bucket{agent="support",le="0.95"}': (10, 9),
            'holdfast_context_used_ratio_bucket{agent="support",le="1"}': (10, 10),
            'holdfast_context_used_ratio_bucket{agent="support",le="+Inf"}': (10, 10),
            'holdfast_context_used_ratio_count{agent="support"}': (10, 10),
        },
        under={'holdfast_context_used_ratio_bucket{agent="support",le="0.95"}': 9.6},
        interval=60,
        samples=60,
        silent=600,
        fires=2_400,
    ),
)

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
        "Runs waited 10 times in 10 minutes since no model could be called (breaker).",
        {"kind": "breaker"},
        under={'holdfast_waits_total{kind="breaker"}': 0.1},
        fires=600,
    ),
)

WORKERS = (
    Case(
        "HoldfastHealthChecksFailing",
        {'holdfast_probe_checks_total{target="temporal",outcome="failed"}': (0, 1)},
        "temporal failed its health check 8 times in 2 minutes.",
        {"target": "temporal"},
        under={'holdfast_probe_checks_total{target="temporal",outcome="failed"}': 0.4},
        silent=30,  # 3 checks failed
        fires=120,
    ),
    Case(
        "HoldfastNoWorkers",
        {'holdfast_queue_pollers{queue="shop",kind="workflow"}': (3, 0)},
        "No worker serves the workflow tasks of queue 'shop'.",
        {"queue": "shop", "kind": "workflow"},
        under={'holdfast_queue_pollers{queue="shop",kind="workflow"}': 1},
        silent=45,
        fires=75,
    ),
    Case(
        "HoldfastProbeMissing",
        {'holdfast_probe_up{target="temporal"}': (1, None)},
        "Nothing watches from outside: the prober exports no checks.",
        under={'holdfast_probe_up{target="temporal"}': 0},
        silent=300,  # Prometheus looks back for 5 minutes where a series ended without a mark
        fires=600,
    ),
    Case(
        "HoldfastScrapeFailing",
        {
            'up{job="holdfast-worker",instance="worker:8000"}': (1, 0),
            'up{job="other",instance="x:1"}': (0, 0),
        },
        "holdfast-worker at worker:8000 gives Prometheus no metrics.",
        {"job": "holdfast-worker", "instance": "worker:8000"},
        under={'up{job="holdfast-worker",instance="worker:8000"}': 1},
        silent=105,
        fires=135,
    ),
    Case(
        "HoldfastMemoryHigh",
        {
            'holdfast_memory_bytes{instance="worker:8000"}': (500e6, 900e6),
            'holdfast_memory_limit_bytes{instance="worker:8000"}': (1e9, 1e9),
        },
        "Worker worker:8000 uses 90% of its memory limit.",
        {"instance": "worker:8000"},
        under={'holdfast_memory_bytes{instance="worker:8000"}': 840e6},
        silent=165,
        fires=195,
    ),
    Case(
        "HoldfastEventLoopBlocked",
        {'holdfast_event_loop_delay_seconds{instance="worker:8000"}': (0.01, 2.5)},
        "The event loop of worker worker:8000 was blocked for 2.5s.",
        {"instance": "worker:8000"},
        under={'holdfast_event_loop_delay_seconds{instance="worker:8000"}': 0.9},
        silent=45,
        fires=75,
    ),
    Case(
        "HoldfastBuildsMixed",
        {
            'holdfast_build_info{app="shop",version="2",instance="a"}': (1, 1),
            'holdfast_build_info{app="shop",version="1",instance="b"}': (None, 1),
            'holdfast_build_info{app="other",version="1",instance="c"}': (1, 1),
        },
        "2 builds of app 'shop' have served the same queue for over an hour.",
        {"app": "shop"},
        interval=60,
        samples=90,
        silent=3_540,
        fires=3_660,
    ),
)

_STUCK = (
    'temporal_workflow_task_execution_failed_total{workflow_type="AgentWorkflow",'
    'failure_reason="NonDeterminismError"}'
)
_REQUESTS = 'temporal_request_total{namespace="default",operation="RespondWorkflowTaskCompleted"}'
_REFUSED = 'temporal_request_failure_total{namespace="default",operation="RespondWorkflowTaskCompleted",status_code="%s"}'

TEMPORAL = (
    Case(
        "HoldfastWorkflowTasksFailing",
        {_STUCK: (0, 0.25)},
        "Workflow tasks of AgentWorkflow fail (NonDeterminismError): these sessions are stuck.",
        {"workflow_type": "AgentWorkflow", "failure_reason": "NonDeterminismError"},
        under={_STUCK: f"0x80 {'1x160'}"},  # it failed once
        samples=160,
        fires=300,
    ),
    Case(
        "HoldfastWorkflowTasksWaiting",
        summary="Workflow tasks of queue 'shop' wait 1.75s for a worker (p95).",
        labels={"task_queue": "shop"},
        series={
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="1"}': (
                10,
                8,
            ),
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="2"}': (
                10,
                10,
            ),
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="+Inf"}': (
                10,
                10,
            ),
        },
        under={
            'temporal_workflow_task_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="1"}': 9.6,
        },
        fires=600,
    ),
    Case(
        "HoldfastActivityTasksWaiting",
        summary="Activities of queue 'shop' wait 8.75s for a worker (p95).",
        labels={"task_queue": "shop"},
        series={
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="5"}': (10, 8),
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="10"}': (10, 10),
            'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="+Inf"}': (
                10,
                10,
            ),
        },
        under={'temporal_activity_schedule_to_start_latency_seconds_bucket{task_queue="shop",le="5"}': 9.6},
        fires=600,
    ),
    Case(
        "HoldfastTaskSlotsUsedUp",
        {'temporal_worker_task_slots_available{instance="w:8000",worker_type="ActivityWorker"}': (150, 0)},
        "Worker w:8000 has no free slot for ActivityWorker tasks.",
        {"instance": "w:8000", "worker_type": "ActivityWorker"},
        under={'temporal_worker_task_slots_available{instance="w:8000",worker_type="ActivityWorker"}': 1},
        silent=120,
        fires=240,
    ),
    Case(
        "HoldfastTemporalRequestsFailing",
        {_REQUESTS: (10, 10), _REFUSED % "UNAVAILABLE": (0, 2), _REFUSED % "NOT_FOUND": (2, 2)},
        "20% of the workers' requests to Temporal fail.",
        {"namespace": "default"},
        under={_REFUSED % "UNAVAILABLE": 0.4, _REFUSED % "NOT_FOUND": 8},
        fires=600,
    ),
    Case(
        "HoldfastQueueBacklog",
        {'holdfast_queue_backlog_age_seconds{queue="shop",kind="activity"}': (1, 75)},
        "The oldest activity task of queue 'shop' has waited for 1m 15s.",
        {"queue": "shop", "kind": "activity"},
        under={'holdfast_queue_backlog_age_seconds{queue="shop",kind="activity"}': 55},
        silent=105,
        fires=135,
    ),
)

OPERATIONS = (
    Case(
        "HoldfastInboxOverdue",
        {'holdfast_inbox_overdue_items{kind="approval"}': (0, 2)},
        "2 items of kind 'approval' passed their deadline without an answer.",
        {"kind": "approval"},
        silent=285,
        fires=315,
    ),
    Case(
        "HoldfastInboxAgeing",
        {'holdfast_inbox_oldest_seconds{kind="approval"}': (600, 18_000)},
        "An item of kind 'approval' has waited for a person for 5h 0m 0s.",
        {"kind": "approval"},
        under={'holdfast_inbox_oldest_seconds{kind="approval"}': 14_000},
        silent=285,
        fires=315,
    ),
    Case(
        "HoldfastEffectsUnknown",
        {"holdfast_unknown_effects": (0, 3)},
        "The outcome of 3 effects is unknown: they may or may not have happened.",
        silent=585,
        fires=615,
    ),
    Case(
        "HoldfastBudgetBurn",
        # 1 % a minute from 50 % on; just too small: 0.1 % a minute.
        {'holdfast_budget_used_ratio{account="tenant"}': "0.5x59 0.5+0.01x40 0.1x80"},
        "The budget of a tenant will be used up within 4 hours.",
        {"account": "tenant"},
        under={'holdfast_budget_used_ratio{account="tenant"}': "0.5x59 0.5+0.001x59 0.1x60"},
        interval=60,
        samples=60,
        fires=2_400,
    ),
    Case(
        "HoldfastBudgetRefusals",
        {
            'holdfast_budget_refusals_total{account="tenant"}': (0, 0.5),
            'holdfast_budget_refusals_total{account="run"}': (1, 1),
        },
        "The budget of a tenant is used up: 30 calls were refused in 15 minutes.",
        under={'holdfast_budget_refusals_total{account="tenant"}': 0},
        fires=900,
    ),
    Case(
        "HoldfastCostJump",
        {
            "holdfast_cost_forecast_dollars": (20, 50),
            'holdfast_cost_today_dollars{agent="a"}': (12, 12),
            'holdfast_cost_today_dollars{agent="b"}': (8, 8),
        },
        "Today's cost is heading for 50 dollars, more than twice yesterday's.",
        under={"holdfast_cost_forecast_dollars": 39},
        interval=1_800,
        samples=110,
        fires=3_600,
    ),
    Case(
        "HoldfastMemoryStoreFailing",
        {
            'holdfast_memory_operations_total{operation="recall",outcome="ok"}': (10, 8),
            'holdfast_memory_operations_total{operation="recall",outcome="memory_unavailable"}': (0, 2),
        },
        "20% of the memory store's operations 'recall' failed in 5 minutes.",
        {"operation": "recall"},
        under={
            'holdfast_memory_operations_total{operation="recall",outcome="ok"}': 9.2,
            'holdfast_memory_operations_total{operation="recall",outcome="memory_unavailable"}': 0.8,
        },
        fires=300,
    ),
    Case(
        "HoldfastOutboxGrowing",
        {"holdfast_outbox_changes": (2, 150)},
        "150 changes of memories wait for the memory store.",
        under={"holdfast_outbox_changes": 90},
        silent=585,
        fires=615,
    ),
    Case(
        "HoldfastMaintenanceLate",
        # promtool's clock begins at 0. The task succeeds every hour, then for three days not at all.
        {
            'holdfast_maintenance_success_timestamp_seconds{task="expiry"}': "0+3600x71 255600x71 518400+3600x72"
        },
        "The maintenance task 'expiry' last succeeded 2d 2h 0m 0s ago.",
        {"task": "expiry"},
        under={
            'holdfast_maintenance_success_timestamp_seconds{task="expiry"}': "0+3600x96 345600x47 518400x72"
        },
        interval=_HOUR,
        samples=72,
        silent=47 * _HOUR,
        fires=49 * _HOUR,
    ),
    Case(
        "HoldfastBackupLate",
        {"holdfast_backup_success_timestamp_seconds": "0+3600x47 169200x47 345600+3600x48"},
        "The last successful backup is 1d 5h 0m 0s old.",
        under={"holdfast_backup_success_timestamp_seconds": "0+3600x71 255600x23 345600x48"},
        interval=_HOUR,
        samples=48,
        silent=25 * _HOUR,
        fires=28 * _HOUR,
    ),
)

CASES = (*SERVICE, *MODELS, *WORKERS, *TEMPORAL, *OPERATIONS)
