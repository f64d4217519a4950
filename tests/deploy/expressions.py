"""What the expressions of alerts and dashboards name: metrics and labels."""

import re
from collections.abc import Iterator, Mapping, Sequence

from holdfast_workflows.contracts.operations.metrics import METRICS

from .alerts.rule_tests import with_records

SCRAPE = frozenset({"job", "instance"})
"""Labels that Prometheus adds."""

_REQUEST = ("namespace", "operation")
_QUEUE = ("namespace", "task_queue")
SDK: Mapping[str, tuple[str, ...]] = {
    "temporal_activity_schedule_to_start_latency_seconds": _QUEUE,
    "temporal_long_request_failure_total": (*_REQUEST, "status_code"),
    "temporal_long_request_total": _REQUEST,
    "temporal_request_failure_total": (*_REQUEST, "status_code"),
    "temporal_request_latency_seconds": _REQUEST,
    "temporal_request_total": _REQUEST,
    "temporal_worker_task_slots_available": (*_QUEUE, "worker_type"),
    "temporal_workflow_task_execution_failed_total": (*_QUEUE, "failure_reason", "workflow_type"),
    "temporal_workflow_task_schedule_to_start_latency_seconds": _QUEUE,
}
"""Metrics of Temporal's SDK that are used, as a worker exports them; ``test_sdk_metrics.py`` compares."""

_GROUPS = re.compile(r"by \(([^)]*)\)")
RECORDED: Mapping[str, Sequence[str]] = {
    rule["record"]: re.findall(r"\w+", next(iter(_GROUPS.findall(rule["expr"])), ""))
    for rules in with_records()
    for rule in rules
    if "record" in rule
}
"""Recording rules and their labels."""

_PROMETHEUS = {"up": (), "ALERTS": ("alertname", "alertstate", "severity")}
LABELS: Mapping[str, frozenset[str]] = {
    name: SCRAPE | set(labels)
    for name, labels in {
        **{each.name: each.labels for each in METRICS},
        **SDK,
        **RECORDED,
        **_PROMETHEUS,
    }.items()
}
_HISTOGRAMS = {each.name for each in METRICS if each.kind == "histogram"} | {
    name for name in SDK if name.endswith("_latency_seconds")
}
_NAME = re.compile(r"\b((?:holdfast|temporal)[_:][a-z0-9_:]+|up|ALERTS)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def complaints(expression: str) -> Iterator[str]:
    """List the metrics and labels of an expression that do not exist."""
    text = re.sub(r"by \([^)]*\)", "", expression)
    known = set[str]()
    for name, matchers in _NAME.findall(text):
        metric, labels = _metric(name)
        if metric not in LABELS:
            yield f"{name} is not in the table of metrics"
            continue
        known |= labels
        for label in _MATCHER.findall(matchers):
            if label not in labels:
                yield f"{name} has no label {label}"
    for group in _GROUPS.findall(expression):
        for label in re.split(r",\s*", group):
            if label not in known:
                yield f"by ({group}): no metric of the expression has the label {label}"


def _metric(name: str) -> tuple[str, frozenset[str]]:
    """The metric of a series, and the labels that the series has."""
    base, _, part = name.rpartition("_")
    if base in _HISTOGRAMS and part in {"bucket", "count", "sum"}:
        return base, LABELS[base] | frozenset(["le"] if part == "bucket" else [])
    if name in _HISTOGRAMS:
        return f"{name} (a histogram: use _bucket, _count or _sum)", frozenset()
    return name, LABELS.get(name, frozenset())
