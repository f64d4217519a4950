"""The deployment's own configuration for a local run, with times divided by a factor."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..steps.processes import ROOT

_WORKERS = "workers.json"
_DURATION = re.compile(r"\b(\d+)([smhd])\b")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Replacements = Mapping[str, Mapping[str, str]]
"""By alert: texts of its expression, and what stands for them in the run."""

THRESHOLDS: Replacements = {
    "HoldfastInboxAgeing": {"4 * 3600": "20"},
    "HoldfastMaintenanceLate": {"2 * 86400": "60"},
    "HoldfastBackupLate": {"26 * 3600": "60"},
    "HoldfastBudgetBurn": {"4 * 3600": "1440"},
    "HoldfastQueueBacklog": {"> 60": "> 6"},
    "HoldfastCostJump": {"[1d:10m] offset 1d": "[50m:1m] offset 50m"},
}
"""Thresholds of minutes, hours and days, and what stands for them at speed 10."""


@dataclass(frozen=True)
class Places:
    """Addresses of the run."""

    prometheus: str
    alertmanager: str
    probe: str
    workers: tuple[str, ...]
    http: str
    smtp: str


def shortened(text: str, speed: float) -> str:
    """A text with its durations divided."""
    return _DURATION.sub(lambda found: f"{int(found[1]) * SECONDS[found[2]] / speed * 1000:.0f}ms", text)


def write_prometheus(folder: Path, places: Places, speed: float, thresholds: Replacements) -> Path:
    """Write the configuration and the rules, and return the configuration's file."""
    source = ROOT / "deploy/prometheus"
    (folder / "rules").mkdir(parents=True)
    for path in source.glob("rules/*.yml"):
        rules = yaml.safe_load(path.read_text("utf-8"))
        for rule in (rule for group in rules["groups"] for rule in group["rules"]):
            for old, new in thresholds.get(rule.get("alert", ""), {}).items():
                assert old in rule["expr"], rule
                rule["expr"] = rule["expr"].replace(old, new)
            rule["expr"] = shortened(rule["expr"], speed)
            if "for" in rule:
                rule["for"] = shortened(rule["for"], speed)
        (folder / "rules" / path.name).write_text(json.dumps(rules), "utf-8")
    config = yaml.safe_load((source / "prometheus.yml").read_text("utf-8"))
    for name in ("scrape_interval", "evaluation_interval"):
        config["global"][name] = shortened(config["global"][name], speed)
    write_workers(folder, places.workers[:2])
    found: dict[str, dict[str, Any]] = {
        # As by DNS in a deployment, workers come and go.
        "holdfast-worker": {"file_sd_configs": [{"files": [str(folder / _WORKERS)]}]},
        "holdfast-probe": {"static_configs": [{"targets": [places.probe]}]},
        "prometheus": {"static_configs": [{"targets": [places.prometheus]}]},
        "alertmanager": {"static_configs": [{"targets": [places.alertmanager]}]},
    }
    config["scrape_configs"] = [
        {"job_name": each["job_name"], **found[each["job_name"]]} for each in config["scrape_configs"]
    ]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [places.alertmanager]}]}]
    return _written(folder / "prometheus.yml", config)


def write_workers(folder: Path, workers: Sequence[str]) -> None:
    """Write the addresses of the workers that Prometheus reads, all at once."""
    (folder / "new").write_text(json.dumps([{"targets": list(workers)}]), "utf-8")
    (folder / "new").replace(folder / _WORKERS)


def write_alertmanager(folder: Path, places: Places, speed: float) -> Path:
    """Write the configuration with the receivers of the run, and return its file."""
    source = ROOT / "deploy/alertmanager"
    config = yaml.safe_load((source / "alertmanager.yml").read_text("utf-8"))
    (folder / "slack_url").write_text(f"http://{places.http}/chat", "utf-8")
    (folder / "pagerduty_key").write_text("key", "utf-8")
    config["global"] = {
        "resolve_timeout": "5m",
        "smtp_smarthost": places.smtp,
        "smtp_from": config["global"]["smtp_from"],
        "smtp_require_tls": False,
        "slack_api_url_file": str(folder / "slack_url"),
        "pagerduty_url": f"http://{places.http}/pager",
    }
    config["templates"] = [str(source / "holdfast.tmpl")]
    for receiver in config["receivers"]:
        for each in receiver.get("pagerduty_configs", ()):
            each["routing_key_file"] = str(folder / "pagerduty_key")
        if receiver["name"] == "heartbeat":
            receiver["webhook_configs"] = [{"url": f"http://{places.http}/heartbeat", "send_resolved": False}]
    _shorten_routes(config["route"], speed)
    return _written(folder / "alertmanager.yml", config)


def _shorten_routes(route: dict[str, Any], speed: float) -> None:
    for name in ("group_wait", "group_interval", "repeat_interval"):
        if route.get(name, "0s") != "0s":
            route[name] = shortened(route[name], speed)
    for each in route.get("routes", ()):
        _shorten_routes(each, speed)


def _written(path: Path, config: object) -> Path:
    path.write_text(json.dumps(config), "utf-8")
    return path
