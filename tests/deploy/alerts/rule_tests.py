"""Cases of alert rules, as input of ``promtool test rules``.

A case has three phases of equal length: normal, fault, normal again. The values of a counter are its increase
per sample, those of a gauge its value.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ...house.lengths import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RUNBOOKS = "https://runbooks.test"

Phases = tuple[float | None, float | None]
"""The values in normal operation and during the fault; None: no sample."""


@dataclass(frozen=True)
class Case:
    """One alert: when it fires, with which labels and text, and when it stays silent.

    Attributes:
        alert: Its name.
        series: Each series with its values, or with promtool's own notation.
        summary: The text.
        labels: The labels besides the severity.
        fires: Seconds after the fault began at which it fires.
        silent: Seconds after the fault began at which it is still silent.
        under: Values during a fault that is just too small.
        interval: Seconds between samples.
        samples: Samples of a phase.
    """

    alert: str
    series: Mapping[str, Phases | str]
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    fires: int = 600
    silent: int = 0
    under: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    interval: int = 15
    samples: int = 80


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert rule by its name."""
    return {rules[-1]["alert"]: rules[-1] for rules in with_records()}


def with_records() -> Iterator[list[dict[str, Any]]]:
    """Each alert rule, after the recording rules of its group."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            records = [rule for rule in group["rules"] if "record" in rule]
            for rule in group["rules"]:
                if "alert" in rule:
                    yield [*records, rule]


def rule_tests(folder: Path, cases: Sequence[Case], expression: str = "") -> list[Path]:
    """Write the input of promtool for these cases, and return the files.

    Args:
        folder: Where to write them.
        cases: The cases. Each gets a file with its rule alone, evaluated at its interval.
        expression: Replaces the expression of each rule.
    """
    known, written = {rules[-1]["alert"]: rules for rules in with_records()}, list[Path]()
    for number, case in enumerate(cases):
        *records, rule = known[case.alert]
        rule |= {"expr": expression} if expression else {}
        rules = folder / f"{number}.rule.yml"
        rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [*records, rule]}]}), "utf-8")
        interval, tests = f"{case.interval}s", list(_tests(case, rule))
        written.append(folder / f"{number}.test.yml")
        written[-1].write_text(
            json.dumps({"rule_files": [rules.name], "evaluation_interval": interval, "tests": tests}), "utf-8"
        )
    return written


def _tests(case: Case, rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    fault, again = case.interval * case.samples, 2 * case.interval * case.samples
    fires = [
        (fault - case.interval, False),
        (fault + case.fires, True),
        (again + fault - case.interval, False),
    ]
    if case.silent:
        fires.insert(1, (fault + case.silent, False))
    yield _test(case, rule, dict(case.series), fires)
    if case.under:
        assert case.under.keys() <= case.series.keys(), case.alert
        series = {name: _under(values, case.under.get(name)) for name, values in case.series.items()}
        yield _test(case, rule, series, [(fault + case.fires, False), (again - case.interval, False)])


def _under(values: Phases | str, under: float | str | None) -> Phases | str:
    if under is None or isinstance(under, str):
        return under or values
    assert not isinstance(values, str)
    return (values[0], under)


def _test(
    case: Case, rule: dict[str, Any], series: Mapping[str, Phases | str], times: Sequence[tuple[int, bool]]
) -> dict[str, Any]:
    expected = {
        "exp_labels": {**rule["labels"], **case.labels},
        "exp_annotations": {
            "summary": case.summary,
            "action": _filled(rule["annotations"]["action"], case.labels),
            "runbook_url": f"{RUNBOOKS}/{case.alert}.md",
        },
    }
    return {
        "name": case.alert,
        "interval": f"{case.interval}s",
        "external_labels": {"runbooks": RUNBOOKS},
        "input_series": [{"series": name, "values": _values(case, name, series[name])} for name in series],
        "alert_rule_test": [
            {"alertname": case.alert, "eval_time": f"{at}s", "exp_alerts": [expected] if fires else []}
            for at, fires in times
        ],
    }


def _filled(text: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        text = text.replace(f"{{{{ $labels.{name} }}}}", value)
    return text


def _values(case: Case, name: str, phases: Phases | str) -> str:
    """In promtool's notation ``start+stepxcount``."""
    if isinstance(phases, str):
        return phases
    metric = name.partition("{")[0]
    counter = metric.endswith(("_total", "_bucket", "_count"))
    parts, total = list[str](), 0.0
    for value in (phases[0], phases[1], phases[0]):
        if value is None:
            parts.append(f"_x{case.samples}")
        elif counter:
            parts.append(f"{total:g}+{value:g}x{case.samples - 1}")
            total += value * case.samples
        else:
            parts.append(f"{value:g}x{case.samples - 1}")
    return " ".join(parts)
