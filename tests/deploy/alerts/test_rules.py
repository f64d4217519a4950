"""Each alert fires at its fault, stays silent below it and clears afterwards; judged by promtool."""

import json
import re
from pathlib import Path

import pytest

from ...prometheus_programs import run
from .cases import CASES
from .rule_tests import PROMETHEUS, RULES, Case, alerts, rule_tests

ALWAYS = "HoldfastWatchdog"
NAMES = sorted(alerts().keys() - {ALWAYS})
COMPLAINT = re.compile(r"alertname: (\w+), time: (\w+)")


def test_the_configuration_and_the_rules_are_valid() -> None:
    result = run("promtool", "check", "config", "prometheus.yml", cwd=PROMETHEUS)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_has_a_case() -> None:
    assert sorted({case.alert for case in CASES}) == NAMES


def test_each_alert_fires_at_its_fault_is_silent_below_it_and_clears(tmp_path: Path) -> None:
    result = run("promtool", "test", "rules", *rule_tests(tmp_path, CASES))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never", "always"])
def test_a_rule_that_never_or_always_fires_fails_its_case(tmp_path: Path, expression: str) -> None:
    """The cases can fail: each of them notices that its alert is broken."""
    result = run("promtool", "test", "rules", *rule_tests(tmp_path, CASES, expression))
    assert sorted({name for name, _ in COMPLAINT.findall(result.stdout + result.stderr)}) == NAMES


def test_with_normal_load_only_the_watchdog_fires(tmp_path: Path) -> None:
    """All series of all cases at their normal values at once."""
    series = {
        name: (values[0], values[0])
        for case in CASES
        for name, values in case.series.items()
        if not isinstance(values, str)
    }
    [path] = rule_tests(tmp_path, [Case(ALWAYS, series, "Alerts reach Alertmanager.", fires=300)])
    content = json.loads(path.read_text("utf-8"))
    content["rule_files"] = [str(each) for each in RULES]
    [test] = content["tests"]
    fires = next(each for each in test["alert_rule_test"] if each["exp_alerts"])
    silent = [{"alertname": name, "eval_time": f"{minutes}m"} for name in NAMES for minutes in (1, 30, 59)]
    test["alert_rule_test"] = [fires, *silent]
    path.write_text(json.dumps(content), "utf-8")
    result = run("promtool", "test", "rules", path)
    assert result.returncode == 0, result.stdout + result.stderr
