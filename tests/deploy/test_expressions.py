"""Alerts and dashboards use metrics and labels that exist."""

import pytest

from deploy.grafana.boards import BOARDS
from holdfast_workflows.contracts.operations.metrics import METRICS

from .alerts.rule_tests import with_records
from .expressions import complaints

ALERTS = {rule.get("alert") or rule["record"]: rule["expr"] for rules in with_records() for rule in rules}
PANELS = {
    f"{board.uid}: {panel.title}": expression
    for board in BOARDS
    for row in board.rows
    for panel in row.panels
    for expression in panel.queries.values()
}


def test_every_alert_uses_metrics_and_labels_that_exist() -> None:
    assert [(name, found) for name, text in ALERTS.items() for found in complaints(text)] == []


def test_every_panel_uses_metrics_and_labels_that_exist() -> None:
    assert [(name, found) for name, text in PANELS.items() for found in complaints(text)] == []


def test_every_metric_is_on_a_dashboard() -> None:
    shown = " ".join(PANELS.values())
    assert {each.name for each in METRICS if each.name not in shown} == set()


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("rate(holdfast_turns[5m])", "holdfast_turns is not in the table of metrics"),
        ('holdfast_turns_total{tenant="a"}', "holdfast_turns_total has no label tenant"),
        (
            "sum by (session) (holdfast_turns_total)",
            "by (session): no metric of the expression has the label session",
        ),
        (
            "sum by (le) (holdfast_turn_seconds_count)",
            "by (le): no metric of the expression has the label le",
        ),
        ("rate(holdfast_turn_seconds[5m])", "holdfast_turn_seconds is not in the table of metrics"),
    ],
)
def test_a_wrong_name_is_found(expression: str, complaint: str) -> None:
    assert list(complaints(expression)) == [complaint]
