"""Alerts reach the pager, the chat and e-mail by their severity; judged by amtool."""

import re

import pytest
import yaml

from ...house.lengths import ROOT
from ...prometheus_programs import run
from .rule_tests import alerts

CONFIG = ROOT / "deploy/alertmanager/alertmanager.yml"
BY_SEVERITY = {"critical": "pager,chat", "warning": "chat-and-email", "none": "heartbeat"}


def test_the_configuration_is_valid() -> None:
    result = run("amtool", "check-config", CONFIG)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("severity", BY_SEVERITY)
def test_an_alert_is_routed_by_its_severity(severity: str) -> None:
    names = [name for name, rule in alerts().items() if rule["labels"]["severity"] == severity]
    assert names
    routed = {name: _receivers(f"alertname={name}", f"severity={severity}") for name in (names[0], names[-1])}
    assert set(routed.values()) == {BY_SEVERITY[severity]}


def test_an_alert_of_another_rule_file_is_not_lost() -> None:
    assert _receivers("alertname=DiskFull") == "chat-and-email"


def test_every_severity_has_a_route() -> None:
    assert {rule["labels"]["severity"] for rule in alerts().values()} == BY_SEVERITY.keys()


def test_every_alert_and_label_that_the_routing_names_exists() -> None:
    config = yaml.safe_load(CONFIG.read_text("utf-8"))
    matchers = [
        matcher
        for rule in config["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {name for matcher in matchers for name in re.findall(r"Holdfast\w+", matcher)}
    assert named
    assert named <= alerts().keys()


def test_secrets_are_files() -> None:
    text = CONFIG.read_text("utf-8")
    assert re.findall(r"(?:password|key|api_url):", text) == []
    assert len(re.findall(r"_file: /etc/alertmanager/secrets/", text)) == 3


def _receivers(*labels: str) -> str:
    result = run("amtool", "config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
