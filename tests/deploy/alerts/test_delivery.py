"""Alertmanager with the deployed configuration: messages arrive at the pager, the chat and by e-mail."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.alerts.config import Places, write_alertmanager
from benchmarks.alerts.receivers import Receivers, receivers
from holdfast_temporal import probe

from ...prometheus_programs import FOLDER, program, run
from ...workers.running import eventually

FASTER = 100


@dataclass
class Delivery:
    """A running Alertmanager and the ends of its channels."""

    address: str
    receivers: Receivers

    async def add(self, alert: str, **labels: str) -> None:
        """Report an alert as Prometheus does."""
        pairs = [f"alertname={alert}", *(f"{name}={value}" for name, value in labels.items())]
        notes = [
            f"--annotation=summary={alert} happened",
            "--annotation=action=holdfast probe",
            f"--annotation=runbook_url=https://runbooks.test/{alert}.md",
        ]
        url = f"--alertmanager.url=http://{self.address}"
        result = await asyncio.to_thread(run, "amtool", "alert", "add", url, *notes, *pairs)
        assert result.returncode == 0, result.stderr

    async def inhibited(self) -> dict[str, bool]:
        """Whether each alert is inhibited by another one, by its target."""
        async with httpx.AsyncClient() as http:
            found = (await http.get(f"http://{self.address}/api/v2/alerts")).json()
        return {each["labels"]["target"]: bool(each["status"]["inhibitedBy"]) for each in found}

    async def arrived(self, alert: str, *channels: str) -> list[str]:
        """The texts by which an alert arrived, once it has by these channels."""
        await eventually(
            lambda: self.receivers.channels(alert, resolved=False, since=0) == sorted(channels), 30
        )
        return [each.text for each in self.receivers.messages if each.alert == alert]


@pytest.fixture
async def delivery(tmp_path: Path) -> AsyncGenerator[Delivery]:
    run("amtool", "--version")  # skips where it is not installed
    own, http, smtp = probe.free_ports(3)
    address = f"127.0.0.1:{own}"
    places = Places("", address, "", (), f"127.0.0.1:{http}", f"127.0.0.1:{smtp}")
    command = [
        program("prometheus-alertmanager"),
        f"--config.file={write_alertmanager(tmp_path, places, FASTER)}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    async with receivers(http, smtp) as found:
        with (tmp_path / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=FOLDER if FOLDER.is_dir() else None, stdout=log, stderr=log
            )
        await eventually(lambda: probe.listens(address), 60)
        yield Delivery(address, found)
        process.kill()
        await process.wait()


async def test_a_critical_alert_reaches_the_pager_and_the_chat_with_its_runbook(delivery: Delivery) -> None:
    await delivery.add("HoldfastTurnErrors", severity="critical")
    for text in await delivery.arrived("HoldfastTurnErrors", "chat", "pager"):
        assert "CRITICAL HoldfastTurnErrors" in text
        assert "HoldfastTurnErrors happened" in text
        assert "Look first: holdfast probe" in text
        assert "https://runbooks.test/HoldfastTurnErrors.md" in text


async def test_a_warning_reaches_the_chat_and_e_mail_with_what_it_is_about(delivery: Delivery) -> None:
    await delivery.add("HoldfastModelSlow", severity="warning", model="openai:m")
    for text in await delivery.arrived("HoldfastModelSlow", "chat", "e-mail"):
        assert "WARNING HoldfastModelSlow (openai:m)" in text
        assert "HoldfastModelSlow happened" in text


async def test_an_alert_that_follows_from_another_is_not_sent(delivery: Delivery) -> None:
    await delivery.add("HoldfastNoWorkers", severity="critical", queue="shop")
    await delivery.arrived("HoldfastNoWorkers", "chat", "pager")
    await delivery.add("HoldfastQueueBacklog", severity="warning", queue="shop")
    await delivery.add("HoldfastToolErrors", severity="warning", tool="later")
    await delivery.arrived("HoldfastToolErrors", "chat", "e-mail")
    assert delivery.receivers.channels("HoldfastQueueBacklog", resolved=False, since=0) == []


async def test_workers_that_are_not_ready_for_want_of_the_database_do_not_page(delivery: Delivery) -> None:
    for target in ("state", "worker:a", "worker:b"):
        await delivery.add("HoldfastHealthChecksFailing", severity="critical", target=target)
    await delivery.arrived("HoldfastHealthChecksFailing", "chat", "pager")
    assert await delivery.inhibited() == {"state": False, "worker:a": True, "worker:b": True}


async def test_the_watchdog_is_a_heartbeat_and_no_message(delivery: Delivery) -> None:
    await delivery.add("HoldfastWatchdog", severity="none")
    await eventually(lambda: delivery.receivers.heartbeats > 0, 30)
    assert delivery.receivers.channels("HoldfastWatchdog", resolved=False, since=0) == []
