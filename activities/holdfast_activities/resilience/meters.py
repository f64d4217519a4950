"""Metrics of breakers, limits and retries, for the SDK's Prometheus endpoint.

Labels are the names of breakers, operations and keys, of which an app has a few dozen;
never sessions or tenants.
"""

from temporalio.common import MetricMeter

from holdfast_workflows.contracts.operations.breakers import BreakerState

STATES: dict[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}


class Meters:
    """The metrics; without a meter they are not recorded."""

    def __init__(self, meter: MetricMeter | None = None) -> None:
        meter = MetricMeter.noop if meter is None else meter
        self._state = meter.create_gauge(
            "holdfast_breaker_state", "State of a circuit breaker: 0 closed, 1 half open, 2 open"
        )
        self._openings = meter.create_counter("holdfast_breaker_openings", "Times a circuit breaker opened")
        self._refusals = meter.create_counter(
            "holdfast_refusals", "Calls not made because of an open breaker or a rate limit"
        )
        self._retries = meter.create_counter("holdfast_retries", "Attempts that were repeated")
        self._waits = meter.create_counter(
            "holdfast_waits", "Times a run waited on a timer because no model could be called"
        )

    def breaker(self, name: str, state: BreakerState) -> None:
        self._state.set(STATES[state], {"breaker": name})

    def opened(self, name: str) -> None:
        self._openings.add(1, {"breaker": name})

    def refused(self, name: str) -> None:
        self._refusals.add(1, {"by": "tenant" if name.startswith("tenant:") else name})

    def retried(self, operation: str) -> None:
        self._retries.add(1, {"operation": operation})

    def waited(self, kind: str) -> None:
        self._waits.add(1, {"kind": kind})
