"""The runtime of the SDK's core: its logs, and the Prometheus endpoint for its metrics and ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig

from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import SettingsInvalid

_HEARTBEAT: Final = timedelta(seconds=10)
"""Between a worker's heartbeats to the server, by which routing tells a dead worker from a live one."""


def make_runtime(settings: Settings, logging: LoggingConfig) -> Runtime:
    """Make the runtime; its ``metric_meter`` does nothing unless a metrics port is set.

    Raises:
        SettingsInvalid: The port is in use, or the host is not an IP address of this machine.
    """
    metrics, where = None, ""
    if settings.metrics_port is not None:
        host = f"[{settings.metrics_host}]" if ":" in settings.metrics_host else settings.metrics_host
        where = f"{host}:{settings.metrics_port}"
        # The names and units that Prometheus expects: *_total, *_seconds.
        metrics = PrometheusConfig(
            bind_address=where, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
        )
    telemetry = TelemetryConfig(logging=logging, metrics=metrics, attach_service_name=False)
    try:
        return Runtime(telemetry=telemetry, worker_heartbeat_interval=_HEARTBEAT)
    except ValueError as error:
        raise SettingsInvalid(f"HOLDFAST_METRICS_PORT: {where}: {error}") from None
