"""The runtime of the SDK's core: its logs, and its metrics with ours.

The SDK serves its metrics on a port of its own. That is a free port of this machine only; the health server passes
the page on, so that a worker has one port.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig

from holdfast_temporal import probe
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import SettingsInvalid
from holdfast_workflows.contracts.operations.metrics import METRICS

_HEARTBEAT: Final = timedelta(seconds=10)
"""Between a worker's heartbeats to the server, by which routing tells a dead worker from a live one."""

_TRIES: Final = 5
"""Free ports to try: another process may take one before the SDK does."""

_EDGES: Final = {metric.name: metric.edges for metric in METRICS if metric.edges}


@dataclass(frozen=True)
class Telemetry:
    """The runtime, and the port of this machine where it serves its metrics; 0 for none."""

    runtime: Runtime
    port: int = 0


def make_runtime(settings: Settings, logging: LoggingConfig) -> Telemetry:
    """Make the runtime; its ``metric_meter`` does nothing unless a health port is set.

    Raises:
        SettingsInvalid: No port of this machine is free.
    """
    if settings.health_port is None:
        return Telemetry(_runtime(logging, None))
    problem: Exception | None = None
    for port in probe.free_ports(_TRIES):
        try:
            return Telemetry(_runtime(logging, port), port)
        except ValueError as error:
            problem = error
    raise SettingsInvalid(f"HOLDFAST_HEALTH_PORT: no port of 127.0.0.1 for metrics: {problem}")


def _runtime(logging: LoggingConfig, port: int | None) -> Runtime:
    metrics = None
    if port is not None:
        metrics = PrometheusConfig(
            bind_address=f"127.0.0.1:{port}",
            # The names and units that Prometheus expects: *_total, *_seconds.
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides=_EDGES,
        )
    telemetry = TelemetryConfig(logging=logging, metrics=metrics, attach_service_name=False)
    return Runtime(telemetry=telemetry, worker_heartbeat_interval=_HEARTBEAT)
