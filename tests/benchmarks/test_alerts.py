"""The live run of alerts uses the deployed rules, with divided times."""

from pathlib import Path

import pytest

from benchmarks.alerts import report
from benchmarks.alerts.config import THRESHOLDS, Places, shortened, write_prometheus
from benchmarks.alerts.faults import FAULTS
from benchmarks.alerts.injecting import longest
from benchmarks.alerts.report import Others, Rows, Seen, faults_text, kept, normal_text
from benchmarks.alerts.watch import ALWAYS, Watch
from tests.deploy.alerts.rule_tests import alerts

from ..prometheus_programs import run

PLACES = Places("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", ("127.0.0.1:4",), "127.0.0.1:5", "127.0.0.1:6")

RULES = {name: rule for name, rule in alerts().items() if name != ALWAYS}


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


def test_every_alert_has_one_fault() -> None:
    named = [alert for injected in FAULTS for alert in injected.alerts]
    assert sorted(named) == sorted(RULES)
    assert {name for each in FAULTS for name in each.follows} <= RULES.keys()


def test_an_alert_may_take_twice_the_times_of_its_rule() -> None:
    assert longest(RULES["HoldfastNoWorkers"], 10) == longest(RULES["HoldfastNoWorkers"], 20) + 2 * 60 / 20
    assert longest(RULES["HoldfastBackupLate"], 10) == 900


def seen(**changed: object) -> Seen:
    channels = ["chat", "e-mail"]
    values = {"alert": "HoldfastToolErrors", "fault": "tool fails", "severity": "warning"}
    times = {"fired": 1.0, "cleared": 2.0}
    return Seen(**{**values, **times, "channels": channels, "resolved": channels, **changed})  # type: ignore[arg-type]


def test_an_alert_is_good_if_it_fired_arrived_and_cleared() -> None:
    assert seen().good
    assert not seen(fired=None).good
    assert not seen(cleared=None).good
    assert not seen(channels=["chat"]).good
    assert not seen(resolved=[]).good
    assert not seen(severity="critical").good


def test_the_report_counts_what_was_shown_and_lists_the_rest() -> None:
    rows = Rows({"HoldfastToolErrors": seen().row, "HoldfastModelSlow": seen(fired=None).row}, {})
    text = faults_text(rows, RULES, 10)
    assert f"**1 of {len(RULES)} alerts**" in text
    assert (
        "| tool fails | HoldfastToolErrors | warning | 1 s | chat, e-mail | 2 s | chat, e-mail | yes |"
        in text
    )
    assert "HoldfastTurnErrors" in text.partition("Shown by promtool only")[2]


def test_a_run_of_some_faults_keeps_the_other_rows_and_sections(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "PAGE", tmp_path / "ALERTS.md")
    report.write("normal", normal_text(30, {"done": 5}, []))
    first = [seen(), seen(alert="HoldfastModelSlow", fault="model is slow", resolved=[])]
    others = [Others("tool fails", {"HoldfastTurnErrors"}, set())]
    report.write("faults", faults_text(kept(first, others), RULES, 10))
    report.write(
        "faults", faults_text(kept([seen(alert="HoldfastModelSlow", fault="model is slow")], []), RULES, 10)
    )
    text = report.PAGE.read_text("utf-8")
    assert f"**2 of {len(RULES)} alerts**" in text
    assert "| tool fails | HoldfastTurnErrors | – |" in text
    assert "30 minutes of normal load" in text


def firing(name: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, **labels}


def test_the_periods_of_an_alert_are_told_apart_by_its_labels() -> None:
    watch = Watch(None)  # type: ignore[arg-type]  # nothing is read
    known = {"HoldfastToolErrors": {"tool": "ask"}}
    watch.take([firing("HoldfastToolErrors", tool="look"), firing(ALWAYS)], 1.0)
    watch.take([firing("HoldfastToolErrors", tool="look"), firing("HoldfastToolErrors", tool="ask")], 2.0)
    watch.take([firing("HoldfastToolErrors", tool="look")], 3.0)
    [own] = watch.of("HoldfastToolErrors", {"tool": "ask"}, 0.0)
    assert (own.began, own.ended) == (2.0, 3.0)
    assert [each.labels["tool"] for each in watch.firing()] == ["look"]
    assert watch.others(0.0, known) == {"HoldfastToolErrors"}
    assert watch.others(2.0, known) == set()
