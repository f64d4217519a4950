"""The live run of alerts uses the deployed rules, with divided times."""

from pathlib import Path

import pytest

from benchmarks.alerts.config import THRESHOLDS, Places, shortened, write_prometheus
from benchmarks.alerts.faults import FAULTS
from benchmarks.alerts.report import Seen, faults_text
from tests.deploy.alerts.rule_tests import alerts

from ..prometheus_programs import run

PLACES = Places("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", ("127.0.0.1:4",), "127.0.0.1:5", "127.0.0.1:6")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("rate(x[5m]) > 30", "rate(x[30000ms]) > 30"),
        ("x unless x offset 15m", "x unless x offset 90000ms"),
        ("max_over_time(x[1d:10m] offset 1d)", "max_over_time(x[8640000ms:60000ms] offset 8640000ms)"),
        ("holdfast:turns:increase5m > 2", "holdfast:turns:increase5m > 2"),
    ],
)
def test_durations_are_divided_and_nothing_else(text: str, short: str) -> None:
    assert shortened(text, 10) == short


def test_the_rules_of_the_run_are_valid(tmp_path: Path) -> None:
    path = write_prometheus(tmp_path / "etc", PLACES, 10, THRESHOLDS)
    result = run("promtool", "check", "config", path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_fault_names_alerts_that_exist_and_each_once() -> None:
    named = [alert for injected in FAULTS for alert in injected.alerts]
    assert len(set(named)) == len(named)
    assert set(named) <= alerts().keys()
    assert all(set(each.inhibited) <= set(each.alerts) for each in FAULTS)


def seen(**changed: object) -> Seen:
    channels = ["chat", "e-mail"]
    values = {"alert": "HoldfastToolErrors", "fault": "f", "fired": 1.0, "cleared": 2.0, "inhibited": False}
    return Seen(**{**values, "channels": channels, "resolved": channels, **changed})  # type: ignore[arg-type]


def test_an_alert_is_good_if_it_fired_arrived_and_cleared() -> None:
    assert seen().good("warning")
    assert not seen(fired=None).good("warning")
    assert not seen(cleared=None).good("warning")
    assert not seen(channels=["chat"]).good("warning")
    assert not seen(resolved=[]).good("warning")
    assert not seen().good("critical")
    assert seen(channels=[], resolved=[], inhibited=True).good("warning")


def test_the_report_lists_what_was_not_shown() -> None:
    text = faults_text({"HoldfastToolErrors": seen().row("warning")}, alerts(), 10)
    assert "| f | HoldfastToolErrors | warning | 1 s | chat, e-mail | 2 s | chat, e-mail | yes |" in text
    assert "HoldfastTurnErrors" in text.partition("Shown by promtool only")[2]
