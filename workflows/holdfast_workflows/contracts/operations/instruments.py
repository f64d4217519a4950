"""Recording of the metrics in the table, with the meter of Temporal's SDK."""

from collections import defaultdict
from typing import Any, Final

from temporalio.common import MetricMeter

from .metrics import METRICS, Metric

TABLE: Final = {metric.name: metric for metric in METRICS}
"""The metrics by their names."""

Labels = tuple[tuple[str, str], ...]


class Instruments:
    """Records metrics by their names in the table; without a meter nothing is recorded.

    The SDK has no counters of fractions. Sums of dollars are kept here, in ``sums`` by metric and labels, and the
    worker adds them to its page.
    """

    def __init__(self, meter: MetricMeter | None = None) -> None:
        self._meter = meter
        self._made: dict[str, Any] = {}
        self.sums: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))

    def count(self, name: str, number: int = 1, /, **labels: str) -> None:
        """Add to a counter."""
        if self._meter is not None and number:
            self._instrument(name).add(number, labels)

    def add(self, name: str, amount: float, /, **labels: str) -> None:
        """Add to a counter of fractions."""
        if self._meter is not None and amount:
            self.sums[name][tuple(sorted(labels.items()))] += amount

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Record a value in a histogram."""
        if self._meter is not None:
            self._instrument(name).record(value, labels)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        if self._meter is not None:
            self._instrument(name).set(value, labels)

    def _instrument(self, name: str) -> Any:
        made = self._made.get(name)
        if made is None:
            assert self._meter is not None
            made = self._made[name] = _make(self._meter, TABLE[name])
        return made


NO_METRICS: Final = Instruments()
"""Records nothing."""


def _make(meter: MetricMeter, metric: Metric) -> Any:
    match metric.kind:
        case "counter":
            return meter.create_counter(metric.name.removesuffix("_total"), metric.help)
        case "gauge":
            return meter.create_gauge_float(metric.name, metric.help)
        case "histogram":
            return meter.create_histogram_float(metric.name, metric.help)
