"""Processes, queues, and Temporal as the workers see it."""

from ..panels import Board, Panel, Row, quantiles

WORKERS = Board(
    "holdfast-workers",
    "Holdfast: workers and Temporal",
    "Processes, queues and Temporal as the workers see it.",
    [
        Row(
            "Processes",
            [
                Panel(
                    "Memory",
                    {
                        "{{instance}}": 'holdfast_memory_bytes{instance=~"$instance"}',
                        "limit of {{instance}}": 'holdfast_memory_limit_bytes{instance=~"$instance"}',
                    },
                    "bytes",
                ),
                Panel(
                    "Processor",
                    {
                        "{{instance}}": 'rate(holdfast_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])'
                    },
                    "short",
                    "Cores.",
                ),
                Panel(
                    "Delay of the event loop",
                    {"{{instance}}": 'holdfast_event_loop_delay_seconds{instance=~"$instance"}'},
                    "s",
                    bad=1,
                ),
                Panel(
                    "Builds",
                    {"{{app}} {{version}}": "count by (app, version) (holdfast_build_info)"},
                    text="Workers of each build.",
                    stacked=True,
                ),
                Panel(
                    "Checks from outside",
                    {"{{target}}": "max by (target) (holdfast_probe_seconds)"},
                    "s",
                    "Duration of the last check.",
                ),
                Panel(
                    "Failed checks",
                    {
                        "{{target}}": 'sum by (target) (increase(holdfast_probe_checks_total{outcome="failed"}[2m]))'
                    },
                    text="Within 2 minutes. The alert is at more than 3.",
                    bad=4,
                ),
            ],
        ),
        Row(
            "Queues",
            [
                Panel("Pollers", {"{{queue}} {{kind}}": "max by (queue, kind) (holdfast_queue_pollers)"}),
                Panel("Backlog", {"{{queue}} {{kind}}": "max by (queue, kind) (holdfast_queue_backlog)"}),
                Panel(
                    "Age of the oldest task",
                    {"{{queue}} {{kind}}": "max by (queue, kind) (holdfast_queue_backlog_age_seconds)"},
                    "s",
                    bad=60,
                ),
                Panel(
                    "Workflow tasks wait (p95)",
                    {
                        "{{task_queue}}": "histogram_quantile(0.95, sum by (task_queue, le) (rate(temporal_workflow_task_schedule_to_start_latency_seconds_bucket[$__rate_interval])))"
                    },
                    "s",
                    bad=1,
                ),
                Panel(
                    "Activities wait (p95)",
                    {
                        "{{task_queue}}": "histogram_quantile(0.95, sum by (task_queue, le) (rate(temporal_activity_schedule_to_start_latency_seconds_bucket[$__rate_interval])))"
                    },
                    "s",
                    bad=5,
                ),
                Panel(
                    "Free slots",
                    {
                        "{{instance}} {{worker_type}}": 'min by (instance, worker_type) (temporal_worker_task_slots_available{instance=~"$instance"})'
                    },
                ),
            ],
        ),
        Row(
            "Temporal",
            [
                Panel(
                    "Failed workflow tasks",
                    {
                        "{{workflow_type}} {{failure_reason}}": "sum by (workflow_type, failure_reason) (rate(temporal_workflow_task_execution_failed_total[$__rate_interval]))"
                    },
                    "ops",
                ),
                Panel(
                    "Failed requests",
                    {
                        "{{operation}} {{status_code}}": "sum by (operation, status_code) (rate(temporal_request_failure_total[$__rate_interval]) or rate(temporal_long_request_failure_total[$__rate_interval]))"
                    },
                    "ops",
                ),
                Panel(
                    "Latency of requests (p95)",
                    {
                        "{{operation}}": "histogram_quantile(0.95, sum by (operation, le) (rate(temporal_request_latency_seconds_bucket[$__rate_interval])))"
                    },
                    "s",
                ),
                Panel(
                    "History used at a turn's end",
                    quantiles("holdfast_history_used_ratio", ""),
                    "percentunit",
                    "Events of a run by its limit; then it continues as a new run.",
                    top=1,
                ),
                Panel(
                    "Actions per second",
                    {"{{agent}}": "sum by (agent) (rate(holdfast_turn_actions_sum[$__rate_interval]))"},
                    "ops",
                    "An estimate of billable actions of turns.",
                    stacked=True,
                ),
                Panel(
                    "Breakers opened",
                    {
                        "{{breaker}}": "sum by (breaker) (increase(holdfast_breaker_openings_total[$__rate_interval]))"
                    },
                ),
            ],
        ),
    ],
    {"instance": "holdfast_memory_bytes"},
)
