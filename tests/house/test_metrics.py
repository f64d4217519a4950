"""The metrics that the code records are those of the table, with the labels of the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

from holdfast_workflows.contracts.operations.instruments import TABLE

from .lengths import ROOT
from .metric_table import PAGE, table

_RECORDS = {"count": "counter", "add": "counter", "set": "gauge", "observe": "histogram"}
"""The methods of ``Instruments`` and the kind of metric that each records."""


_FIGURES = (
    "workers/holdfast_workers/monitoring",
    "workers/holdfast_workers/probe",
    "activities/holdfast_activities/operations/figures",
)
"""Where metrics are made when they are read."""


def _recordings() -> Iterator[tuple[str, str, ast.Call]]:
    """Each place where a metric is recorded: where, its name, the call."""
    for room in ("workflows", "activities", "workers"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and (name := _recorded(node)):
                    yield f"{_short(path)}:{node.lineno}", name, node


def _recorded(node: ast.Call) -> str:
    """The metric that a call records; empty for any other call."""
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _RECORDS or not node.args:
        return ""
    first = node.args[0]
    text = first.value if isinstance(first, ast.Constant) else None
    return text if isinstance(text, str) and text.startswith("holdfast_") else ""


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_each_recording_is_of_a_metric_in_the_table_with_its_kind_and_labels() -> None:
    wrong = list[str]()
    for where, name, call in _recordings():
        metric = TABLE.get(name)
        assert isinstance(call.func, ast.Attribute)
        if metric is None:
            wrong.append(f"{where}: {name} is not in the table")
        elif metric.kind != _RECORDS[call.func.attr]:
            wrong.append(f"{where}: {name} is a {metric.kind}, not recorded by {call.func.attr}")
        elif {word.arg for word in call.keywords} != set(metric.labels):
            wrong.append(f"{where}: {name} has the labels {metric.labels}")
    assert wrong == []


def test_each_metric_of_the_table_is_recorded_somewhere() -> None:
    recorded = {name for _, name, _ in _recordings()} | {
        node.value
        for folder in _FIGURES
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [name for name in TABLE if name not in recorded] == []


def test_the_page_has_the_current_tables() -> None:
    page = PAGE.read_text("utf-8")
    assert table("worker") in page, "run `python -m tests.house.metric_table`"
    assert table("probe") in page, "run `python -m tests.house.metric_table`"
