"""Monitoring: workers serve their metrics, and Prometheus has the rules and scrapes the workers."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any, Final

from holdfast_workflows.contracts.operations.metrics import METRICS
from holdfast_workflows.contracts.text.counting import count

from ..examined import Examined
from ..findings import Finding, failed, skipped, warning, worst

_TIMEOUT: Final = 5.0
_BIGGEST: Final = 16_000_000


async def check(examined: Examined) -> Finding:
    """Read ``/ready`` and ``/metrics`` of each named worker, or of this machine's."""
    workers = examined.options.workers or _here(examined)
    if not workers:
        return skipped(
            "no worker is named, and HOLDFAST_HEALTH_PORT is not set", "use --worker http://HOST:PORT"
        )
    found = await asyncio.gather(*(asyncio.to_thread(_worker, each.rstrip("/")) for each in workers))
    problems = [each for each in found if each is not None]
    return worst(problems, f"ready, with metrics: {count(len(workers), 'worker')}")


async def check_alerts(examined: Examined) -> Finding:
    """Ask Prometheus for its rules and targets."""
    address = examined.options.prometheus.rstrip("/")
    if not address:
        return skipped("Prometheus is not named", "use --prometheus http://HOST:9090")
    rules = await asyncio.to_thread(_read, f"{address}/api/v1/rules?type=alert")
    targets = await asyncio.to_thread(_read, f"{address}/api/v1/targets?state=active")
    if isinstance(rules, str) or isinstance(targets, str):
        return failed(
            f"Prometheus at {address}: {rules if isinstance(rules, str) else targets}", "look at its log"
        )
    alerts = [rule for group in rules["data"]["groups"] for rule in group["rules"]]
    own = [rule for rule in alerts if str(rule["name"]).startswith("Holdfast")]
    found: list[Finding] = []
    if not own:
        found.append(
            failed("Prometheus has no alert rules of Holdfast", "load deploy/prometheus/rules/*.yml")
        )
    if broken := [str(rule["name"]) for rule in own if rule.get("health") == "err"]:
        found.append(
            failed(f"rules cannot be evaluated: {', '.join(broken)}", "see the Rules page of Prometheus")
        )
    # One of severity "none" always fires, to show that alerts arrive.
    real = [rule for rule in own if rule["labels"].get("severity") != "none"]
    if firing := sorted({str(rule["name"]) for rule in real if rule["state"] == "firing"}):
        found.append(warning(f"alerts are firing: {', '.join(firing)}", "open their runbooks"))
    up = [
        each["health"] for each in targets["data"]["activeTargets"] if "holdfast" in str(each["scrapePool"])
    ]
    if down := len(up) - up.count("up"):
        found.append(
            failed(f"{down} of {len(up)} targets are not scraped", "see the Targets page of Prometheus")
        )
    return worst(found, f"{len(own)} alert rules are loaded, none fires, and {len(up)} targets are scraped")


def _here(examined: Examined) -> tuple[str, ...]:
    settings = examined.settings
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.health_host, settings.health_host)  # noqa: S104 # not a bind
    return (f"http://{host}:{settings.health_port}",) if settings.health_port else ()


def _worker(address: str) -> Finding | None:
    ready = _read(f"{address}/ready")
    if isinstance(ready, str):
        return failed(f"{address}/ready: {ready}", "look at the log of the worker")
    if not ready.get("ok"):
        return failed(f"{address} is not ready: {json.dumps(ready)}", "repair the part that does not say ok")
    page = _read(f"{address}/metrics", text=True)
    names = {metric.name for metric in METRICS if metric.source == "worker"}
    shown = {line.split()[2] for line in str(page).splitlines() if line.startswith("# TYPE ")}
    if not names & shown:
        return failed(
            f"{address}/metrics shows no metric of Holdfast", "start the worker with HOLDFAST_HEALTH_PORT"
        )
    return None


def _read(url: str, *, text: bool = False) -> Any:
    """The JSON, or the text, of a page; or a string with the reason why it cannot be read."""
    if not url.startswith(("http://", "https://")):
        return "an address begins with http:// or https://"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as page:  # noqa: S310 # checked above
            body = page.read(_BIGGEST)
    except urllib.error.HTTPError as error:
        body = error.read(_BIGGEST)
    except (OSError, ValueError) as error:
        return str(error)
    try:
        return body.decode() if text else json.loads(body)
    except ValueError:
        return "the answer is not JSON"
