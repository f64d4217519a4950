"""The metrics that Holdfast exports. Their names and labels are part of the API.

Alert rules, dashboards, the monitor and the documentation are checked against this table. Labels have
few values: agents, models, tools, queues, outcomes. Sessions, users and tenants are never labels.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]
Source = Literal["worker", "probe"]

TURN_EDGES: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900)
"""Edges in seconds of the duration of turns. 30 is the threshold of an alert, so it must be an edge."""

CALL_EDGES: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
"""Edges in seconds of the duration of model, tool and memory calls."""

RATIO_EDGES: Final = (0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)
"""Edges of shares of a limit."""

COUNT_EDGES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000)
"""Edges of numbers of things."""


@dataclass(frozen=True)
class Metric:
    """One metric. ``name`` is as Prometheus shows it, with its unit and ``_total`` for counters."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    edges: tuple[float, ...] = ()
    source: Source = "worker"


def _counter(name: str, labels: str, text: str) -> Metric:
    return Metric(name, "counter", tuple(labels.split()), text)


def _gauge(name: str, labels: str, text: str, source: Source = "worker") -> Metric:
    return Metric(name, "gauge", tuple(labels.split()), text, source=source)


def _histogram(name: str, labels: str, text: str, edges: tuple[float, ...]) -> Metric:
    return Metric(name, "histogram", tuple(labels.split()), text, edges)


def _probe(name: str, labels: str, text: str, kind: Kind = "gauge") -> Metric:
    return Metric(name, kind, tuple(labels.split()), text, source="probe")


_WORK: Final = (
    _counter(
        "holdfast_requests_total",
        "operation outcome",
        "Requests to sessions, their starts included: ok, refused, failed",
    ),
    _counter("holdfast_turns_total", "agent outcome", "Ended turns: done, failed, cancelled"),
    _histogram("holdfast_turn_seconds", "agent", "Time of a turn, without waits for people", TURN_EDGES),
    _counter("holdfast_steps_total", "agent outcome", "Ended steps: text, calls, failed"),
    _counter("holdfast_model_calls_total", "agent model outcome", "Calls of models: ok or the error's code"),
    _histogram("holdfast_model_call_seconds", "model", "Duration of model calls", CALL_EDGES),
    _counter("holdfast_tool_calls_total", "tool outcome", "Calls of tools: ok, waiting or the error's code"),
    _histogram("holdfast_tool_call_seconds", "tool", "Duration of tool calls", CALL_EDGES),
    _counter(
        "holdfast_errors_total",
        "source kind code",
        "Errors by class; source: model, tool, memory, turn, start",
    ),
    _counter("holdfast_tokens_total", "agent model kind", "Tokens: input, output, cached (of the input)"),
    _counter("holdfast_cost_dollars_total", "agent model", "Cost of model calls in US dollars"),
    _histogram(
        "holdfast_context_used_ratio", "agent", "Share of the context window in a prompt", RATIO_EDGES
    ),
    _counter("holdfast_memory_operations_total", "operation outcome", "Operations of the memory store"),
    _histogram("holdfast_memory_operation_seconds", "operation", "Duration of memory operations", CALL_EDGES),
    _counter(
        "holdfast_effects_total",
        "tool outcome",
        "Effects: settled, failed, repeated (not made again), unknown, undone, undo_failed",
    ),
    _counter(
        "holdfast_inbox_overdue_total", "kind", "Deadlines of items that passed without a person's answer"
    ),
    _counter("holdfast_budget_refusals_total", "account", "Calls refused by a budget: run, parent, tenant"),
    _histogram(
        "holdfast_history_used_ratio",
        "agent",
        "History events of a run by its limit at a turn's end",
        RATIO_EDGES,
    ),
    _histogram(
        "holdfast_turn_actions", "agent", "Estimated billable Temporal actions of a turn", COUNT_EDGES
    ),
)

_RESILIENCE: Final = (
    _gauge("holdfast_breaker_state", "breaker", "State of a circuit breaker: 0 closed, 1 half open, 2 open"),
    _counter("holdfast_breaker_openings_total", "breaker", "Times a circuit breaker opened"),
    _counter("holdfast_refusals_total", "by", "Calls not made because of an open breaker or a rate limit"),
    _counter("holdfast_retries_total", "operation", "Attempts that were repeated"),
    _counter(
        "holdfast_waits_total", "kind", "Times a run waited on a timer because no model could be called"
    ),
)

_PROCESS: Final = (
    _gauge("holdfast_memory_bytes", "", "Resident memory of the worker process"),
    _gauge("holdfast_memory_limit_bytes", "", "Memory limit of the worker: its container's or the machine's"),
    _counter("holdfast_cpu_seconds_total", "", "Processor time of the worker process"),
    _gauge("holdfast_event_loop_delay_seconds", "", "Delay of the worker's event loop"),
    _gauge("holdfast_build_info", "version app", "Always 1; the labels name the build"),
)

_OUTSIDE: Final = (
    _probe("holdfast_probe_up", "target", "Whether the last check of a target succeeded: 1 or 0"),
    _probe("holdfast_probe_checks_total", "target outcome", "Checks of a target: ok, failed", "counter"),
    _probe("holdfast_probe_seconds", "target", "Duration of the last check of a target"),
    _probe("holdfast_sessions", "agent status", "Open sessions by status"),
    _probe("holdfast_inbox_items", "kind", "Items that wait for a person"),
    _probe("holdfast_inbox_oldest_seconds", "kind", "Age of the oldest item that waits for a person"),
    _probe("holdfast_unknown_effects", "", "Effects whose outcome is unknown"),
    _probe("holdfast_outbox_changes", "", "Memory changes that wait for the store"),
    _probe("holdfast_queue_backlog", "queue kind", "Tasks that wait on a task queue: workflow, activity"),
    _probe("holdfast_queue_pollers", "queue kind", "Pollers of a task queue: workflow, activity"),
    _probe("holdfast_queue_backlog_age_seconds", "queue kind", "Age of the oldest task of a task queue"),
    _probe("holdfast_budget_used_ratio", "account", "Highest share of a budget that is used: run, tenant"),
    _probe("holdfast_cost_today_dollars", "agent", "Cost of the current day (UTC) in US dollars"),
    _probe("holdfast_cost_forecast_dollars", "", "Forecast of the cost of the current day (UTC)"),
    _probe("holdfast_state_bytes", "", "Size of the state database"),
    _probe("holdfast_memories", "", "Memories in the store"),
    _probe(
        "holdfast_maintenance_success_timestamp_seconds",
        "task",
        "Last success of a maintenance task; 0: failed in all of its newest runs",
    ),
    _probe("holdfast_backup_success_timestamp_seconds", "", "Last successful backup; 0: never"),
    _probe("holdfast_backup_drill_success_timestamp_seconds", "", "Last drill without a fault; 0: never"),
)

METRICS: Final = (*_WORK, *_RESILIENCE, *_PROCESS, *_OUTSIDE)
"""All metrics, in the order of the documentation."""
